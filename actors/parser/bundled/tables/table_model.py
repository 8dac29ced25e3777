"""The bundled profile's table model, as a docling plugin: structure from a picture, text from the page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Cluster, Page, Table, TableStructurePrediction
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseTableStructureOptions
from docling.models.base_layout_model import TABLE_LABELS
from docling.models.base_table_model import BaseTableStructureModel
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.items.table.table_data import TableCell
from docling_core.types.doc.page import TextCell
from PIL import Image

from actors.parser.bundled.geometry import Box, Word, around
from actors.parser.bundled.tables.grid import Grid, Place, fill, text_of
from actors.parser.bundled.tables.ink import Ink, read_ink, split_line
from actors.parser.bundled.tables.ruled import ruled_grid
from actors.parser.bundled.tables.slanet import PredictedCell, Slanet
from actors.parser.bundled.tables.structure import grid_from_prediction, header_rows

TABLE_SCALE = 2.0  # pixels per point: enough for thin rules to stay visible
MARGIN = 4.0  # points added around a table, so that the picture shows rules on its edge
CERTAIN = 1.0  # the score of a table whose rules are drawn, or that has one cell

# Keys: whether the place starts in a row above, and whether it starts in a column to the left.
OTSL_TAGS = {(False, False): "fcel", (False, True): "lcel", (True, False): "ucel", (True, True): "xcel"}


class BundledTableOptions(BaseTableStructureOptions):
    """Selects the bundled table model. It has no settings."""

    kind: ClassVar[str] = "docfleet_table"


class BundledTableModel(BaseTableStructureModel):
    """Finds the rows and columns of each table, page by page: a page's result never depends on the pages around it."""

    def __init__(
        self,
        enabled: bool,  # noqa: FBT001 - docling's factory passes it
        artifacts_path: Path | None,
        options: BundledTableOptions,
        accelerator_options: AcceleratorOptions,
        enable_remote_services: bool = False,  # noqa: FBT001 - docling's factory passes it
    ) -> None:
        self.enabled = enabled
        self.options = options
        if enabled:
            self._slanet = Slanet(accelerator_options)

    @classmethod
    def get_options_type(cls) -> type[BundledTableOptions]:
        return BundledTableOptions

    def predict_tables(self, conv_res: ConversionResult, pages: Sequence[Page]) -> list[TableStructurePrediction]:
        return [self._predict_page(conv_res, page) for page in pages]

    def _predict_page(self, conv_res: ConversionResult, page: Page) -> TableStructurePrediction:
        clusters = page.predictions.layout.clusters if page.predictions.layout else []
        regions = [cluster for cluster in clusters if cluster.label in TABLE_LABELS]
        read = {cluster.id: self._predict_table(page, cluster) for cluster in regions}
        if scores := [score for _, score in read.values()]:
            conv_res.confidence.pages[page.page_no].table_score = sum(scores) / len(scores)
        return TableStructurePrediction(table_map={number: table for number, (table, _) in read.items()})

    def _predict_table(self, page: Page, cluster: Cluster) -> tuple[Table, float]:
        """The table, and how sure its rows and columns are."""
        frame = _framed(cluster.bbox)
        picture = _picture(page, frame)
        ink = read_ink(picture, frame, TABLE_SCALE)
        words = words_of(page, cluster, ink)
        grid, score = self._grid(words, ink, picture) if words else (single_cell(frame), CERTAIN)
        table = Table(
            otsl_seq=otsl(grid),
            table_cells=table_cells(grid, words),
            num_rows=len(grid.rows) - 1,
            num_cols=len(grid.cols) - 1,
            id=cluster.id,
            page_no=page.page_no,
            cluster=cluster,
            label=cluster.label,
        )
        return table, score

    def _grid(self, words: Sequence[Word], ink: Ink, picture: Image.Image) -> tuple[Grid, float]:
        drawn = ruled_grid(ink.horizontal, ink.vertical, words)
        if drawn is not None:
            return drawn, CERTAIN
        cells, score = self._slanet.predict(picture)
        cells = cells or [PredictedCell(0, 0, 1, 1, Box(0, 0, *picture.size))]
        return grid_from_prediction([on_page(cell, ink.frame) for cell in cells], words, ink.horizontal), score


def _framed(region: BoundingBox) -> Box:
    return Box(max(0.0, region.l - MARGIN), max(0.0, region.t - MARGIN), region.r + MARGIN, region.b + MARGIN)


def _picture(page: Page, frame: Box) -> Image.Image:
    image = page.get_image(scale=TABLE_SCALE)
    if image is None:
        raise ValueError(f"page {page.page_no} has no picture, so its tables cannot be read: render the page first")
    left, top, right, bottom = (round(x * TABLE_SCALE) for x in (frame.left, frame.top, frame.right, frame.bottom))
    return image.crop((left, top, right, bottom))


def single_cell(frame: Box) -> Grid:
    """A table of one cell."""
    return Grid((frame.top, frame.bottom), (frame.left, frame.right), (Place(0, 0),))


def on_page(cell: PredictedCell, frame: Box) -> PredictedCell:
    """Converts the cell's box from pixels of the picture to points on the page."""
    x, y, box, scale = frame.left, frame.top, cell.box, TABLE_SCALE
    moved = Box(x + box.left / scale, y + box.top / scale, x + box.right / scale, y + box.bottom / scale)
    return replace(cell, box=moved)


def words_of(page: Page, cluster: Cluster, ink: Ink) -> list[Word]:
    """The words of the region's lines, each once: the PDF's own words, or the pieces of a line that OCR read."""
    printed = page.parsed_page.word_cells if page.parsed_page else []
    free = [word for word in (_word(cell) for cell in printed) if _holds(ink.frame, word)]
    words: list[Word] = []
    for line in (_word(cell) for cell in cluster.cells if cell.text.strip()):
        inside = [word for word in free if _holds(line.box, word)]
        if _letters(inside) == _letters([line]):
            words.extend(inside)
            free = [word for word in free if word not in inside]
        else:
            words.extend(Word(text, box) for text, box in split_line(line.text, line.box, ink))
    return words


def _word(cell: TextCell) -> Word:
    return Word(cell.text.strip(), Box(*cell.rect.to_bounding_box().as_tuple()))


def _holds(box: Box, word: Word) -> bool:
    x, y = word.box.center
    return bool(word.text) and box.left <= x <= box.right and box.top <= y <= box.bottom


def _letters(words: Sequence[Word]) -> list[str]:
    return sorted(letter for word in words for letter in word.text if not letter.isspace())


def table_cells(grid: Grid, words: Sequence[Word]) -> list[TableCell]:
    """docling's cells for the grid, each with its text."""
    headers = header_rows(grid)
    return [
        TableCell(
            bbox=_bounding_box(around(word.box for word in held)) if held else None,
            row_span=place.row_span,
            col_span=place.col_span,
            start_row_offset_idx=place.row,
            end_row_offset_idx=place.row + place.row_span,
            start_col_offset_idx=place.col,
            end_col_offset_idx=place.col + place.col_span,
            text=text_of(held),
            column_header=place.row < headers,
        )
        for place, held in fill(grid, words).items()
    ]


def _bounding_box(box: Box) -> BoundingBox:
    return BoundingBox(l=box.left, t=box.top, r=box.right, b=box.bottom, coord_origin=CoordOrigin.TOPLEFT)


def otsl(grid: Grid) -> list[str]:
    """The grid in docling's table language: a tag per cell (new, or joined left, up or both), `nl` after each row."""
    owners = grid.owners()
    tags: list[str] = []
    for row in range(len(grid.rows) - 1):
        for col in range(len(grid.cols) - 1):
            place = owners[row, col]
            tags.append(OTSL_TAGS[row > place.row, col > place.col])
        tags.append("nl")
    return tags

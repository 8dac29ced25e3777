"""The table model as a stage that loses no words: a table that it cannot read stays as text in reading order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from docling.datamodel.base_models import Cluster, Page, Table, TableStructurePrediction
from docling.datamodel.document import ConversionResult
from docling.models.base_layout_model import TABLE_LABELS
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import TextCell

from actors.parser.engine.stages import Stage, clusters_of, free_id, ran, warn
from actors.parser.engine.words import missing, words_of
from client.models import WarningCode


class Tables(Stage):
    """The table model. When it fails on a page, it reads the page's tables one by one."""

    def take(self, result: ConversionResult, page: Page) -> None:
        if not ran(self.model, result, page):
            self._read_one_by_one(result, page)
        _keep_words(page)

    def _read_one_by_one(self, result: ConversionResult, page: Page) -> None:
        layout, read = page.predictions.layout, TableStructurePrediction()
        if layout is None:
            return
        clusters = layout.clusters
        for table in [cluster for cluster in clusters if cluster.label in TABLE_LABELS]:
            layout.clusters, page.predictions.tablestructure = [table], None
            if ran(self.model, result, page) and (found := page.predictions.tablestructure):
                read.table_map |= found.table_map
            else:
                warn(result, WarningCode.TABLE_FAILED, page, "The table model failed on a table; the table is text")
                clusters = as_text(clusters, table)
        layout.clusters, page.predictions.tablestructure = clusters, read


def as_text(clusters: Sequence[Cluster], table: Cluster) -> list[Cluster]:
    """The regions of a page with the texts of a table in the table's place."""
    for cluster in clusters:
        if any(child.id == table.id for child in cluster.children):
            cluster.children = as_text(cluster.children, table)
    return [part for cluster in clusters for part in (table.children if cluster.id == table.id else (cluster,))]


def _keep_words(page: Page) -> None:
    """Make the words of a table's region that the model put into no cell a text of the page."""
    structure = page.predictions.tablestructure
    for table in structure.table_map.values() if structure else ():
        if left := left_out(table):
            clusters = clusters_of(page)
            clusters.append(_text_of(left, free_id(clusters)))


def left_out(table: Table) -> list[TextCell]:
    """The lines of a table's region, cut down to the words that are in no cell of the table."""
    if not table.num_rows and not table.num_cols:  # docling keeps the text of a table without structure
        return []
    lines = [cell for cell in table.cluster.cells if cell.text.strip()]
    read = [word for line in lines for word in words_of(line.text)]
    kept = [word for cell in table.table_cells for word in words_of(cell.text)]
    lost = Counter(missing(read, kept))
    whole = {id(line) for line in sorted(lines, key=lambda line: -len(line.text)) if _takes_all(line, lost)}
    return [cut for line in lines if (cut := line if id(line) in whole else _only(line, lost))]


def _takes_all(line: TextCell, wanted: Counter[str]) -> bool:
    """Whether all words of a line are `wanted`. Then they no longer are."""
    words = Counter(words_of(line.text))
    if not words or not words <= wanted:
        return False
    wanted.subtract(words)
    return True


def _only(line: TextCell, wanted: Counter[str]) -> TextCell | None:
    """The line with the `wanted` words alone, which are then no longer wanted; None where it has none of them."""
    runs = []
    for run in line.text.split():
        word = "".join(words_of(run))
        if wanted[word] > 0:
            wanted[word] -= 1
            runs.append(run)
    return line.model_copy(update={"text": " ".join(runs), "orig": " ".join(runs)}) if runs else None


def _text_of(lines: Sequence[TextCell], number: int) -> Cluster:
    boxes = [line.rect.to_bounding_box() for line in lines]
    box = boxes[0].enclosing_bbox(boxes)
    return Cluster(id=number, label=DocItemLabel.TEXT, bbox=box, cells=list(lines))

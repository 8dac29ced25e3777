"""Looks at a scan again when OCR has read its lines.

The detector sees a scan before its text is known. It may see only the labels of a receipt, or some columns of a table.
The lines that OCR read show which belong on one row.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from docling.datamodel.base_models import Cluster, Page
from docling_core.types.doc.base import BoundingBox
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import TextCell

from actors.parser.bundled.geometry import Box, around
from actors.parser.bundled.layout.figures import Region, with_side_columns
from actors.parser.bundled.layout.lines import Line, box_of, make_line
from actors.parser.bundled.layout.rows import field_rows

#: docling drops a picture that covers more than this share of its page, and keeps the text.
PAGE_WIDE = 0.9
#: A table of which more rows than this share go on outside of it is no table.
CUT_ROWS = 0.5
#: docling drops regions below this confidence.
CERTAIN = 0.5

Row = list[Line]


def look_again(page: Page) -> None:
    """Make each row of labels and amounts a region, and let tables have all of their columns.

    Does nothing to a page with text of its own.
    """
    layout, cells = page.predictions.layout, page.cells
    if layout is None or page.size is None or not all(cell.from_ocr for cell in cells):
        return
    read = {make_line(cell, (), frozenset()): cell for cell in cells if cell.text.strip() and box_of(cell).area}
    whole = Box(0.0, 0.0, page.size.width, page.size.height)
    layout.clusters, rows = with_rows(layout.clusters, [*read], whole)
    for row in rows:
        _number([read[line] for line in row])


def with_rows(clusters: Sequence[Cluster], lines: Sequence[Line], page: Box) -> tuple[list[Cluster], list[Row]]:
    """The regions of a page whose `lines` are known by now, and its rows of values, each a region of its own."""
    tables = [*_whole_tables(clusters, lines)]
    objects = [*map(_box, tables), *_pictures(clusters, page)]
    rows = field_rows([line for line in lines if not _within(line, objects)])
    others = [cluster for cluster in clusters if cluster.label is not DocItemLabel.TABLE]
    rests = [rest for cluster in others for rest in _without_rows(cluster, rows, lines)]
    regions = [*map(_row_region, rows), *rests, *tables]
    return [region.model_copy(update={"id": number}) for number, region in enumerate(regions)], rows


def _box(cluster: Cluster) -> Box:
    return Box(*cluster.bbox.as_tuple())


def _within(line: Line, boxes: Iterable[Box]) -> bool:
    return any(line.box.inside(box) > 0.5 for box in boxes)


def _pictures(clusters: Iterable[Cluster], page: Box) -> list[Box]:
    """The pictures that keep their text."""
    boxes = [_box(cluster) for cluster in clusters if cluster.label is DocItemLabel.PICTURE]
    return [box for box in boxes if box.area < PAGE_WIDE * page.area]


def _whole_tables(clusters: Iterable[Cluster], lines: Sequence[Line]) -> Iterator[Cluster]:
    """The tables with all of their columns. A box around a part of rows of values is no table."""
    rows = field_rows(lines)
    for cluster in clusters:
        if cluster.label is DocItemLabel.TABLE:
            box = with_side_columns(Region(cluster.label, _box(cluster), cluster.confidence), lines).box
            if not _cuts(box, rows):
                yield _reaching(cluster, box)


def _cuts(table: Box, rows: Iterable[Row]) -> bool:
    """Whether a table has only a part of most of its rows."""
    inside = [[line.box.inside(table) > 0.5 for line in row] for row in rows]
    touched = [row for row in inside if any(row)]
    return sum(not all(row) for row in touched) > CUT_ROWS * len(touched)


def _without_rows(cluster: Cluster, rows: Iterable[Row], lines: Iterable[Line]) -> Iterator[Cluster]:
    """A region; of a region of text with rows of values, the parts before, between and after these."""
    taken = {line for row in rows for line in row}
    inside = [line for line in lines if line.box.inside(_box(cluster)) > 0.5]
    if cluster.label is DocItemLabel.PICTURE or taken.isdisjoint(inside):
        yield cluster
        return
    ordered = sorted(inside, key=lambda line: (line.box.top + line.box.bottom, line.box.left))
    for in_row, part in groupby(ordered, lambda line: line in taken):
        if not in_row:
            yield _reaching(cluster, around(line.box for line in part))


def _row_region(row: Row) -> Cluster:
    box = _bounding(around(line.box for line in row))
    return Cluster(id=0, label=DocItemLabel.TEXT, bbox=box, confidence=CERTAIN)


def _reaching(cluster: Cluster, box: Box) -> Cluster:
    return cluster.model_copy(update={"bbox": _bounding(box)})


def _bounding(box: Box) -> BoundingBox:
    return BoundingBox(l=box.left, t=box.top, r=box.right, b=box.bottom)


def _number(row: Sequence[TextCell]) -> None:
    """Number the cells of a row from its label to its last value: docling reads them in this order."""
    numbers = sorted(cell.index for cell in row)
    for cell, number in zip(row, numbers, strict=True):
        cell.index = number

"""Decides which of the detector's figures and tables are real, and how far they reach.

The detector sees only a picture: it may take framed prose for a figure, or a list for a table. Exports leave out the
text inside a figure, so a figure is dropped if the PDF's own lines contradict it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box, Word, around
from actors.parser.bundled.layout.blocks import Block, find_blocks, typography_of
from actors.parser.bundled.layout.detector import Detection
from actors.parser.bundled.layout.labels import CAPTION
from actors.parser.bundled.layout.lines import Line
from actors.parser.bundled.layout.rows import is_form, rows_of
from actors.parser.bundled.tables.detection import Columns, columns_of

MIN_SCORE = 0.5
#: Share of a box that its lines cover: about a half in prose, about a tenth in a drawing with labels.
PROSE_COVER = 0.25
#: Text in columns that covers more than this share is a table; less is the labels of a drawing.
PRINTED_COVER = 0.15
TABLE_ROWS = 3
#: A line longer than this many line heights is prose, unless wide gaps divide it into cells.
PROSE_LENGTH = 18
PROSE_ROWS = 3
#: The largest share of a page's letters that its pictures may hide.
MOST_TEXT = 0.7
#: Captions framed with a figure stand in this share of it, at its top or bottom.
CAPTION_PART = 0.3
#: A gap between words, in line heights, too wide for a sentence: the line holds two cells of a table.
CELL_GAP = 1.2


@dataclass(frozen=True)
class Region:
    """A labelled part of the page, as docling gets it.

    `furniture` is the label it takes if other pages have the same text in the same place. `seen` is the detector's best
    score for a text, which is found without the detector.
    """

    label: DocItemLabel
    box: Box
    score: float
    furniture: DocItemLabel | None = None
    seen: float | None = None


def find_objects(
    detections: Sequence[Detection], lines: Sequence[Line], words: Sequence[Word] = (), drawn: Sequence[Box] = ()
) -> list[Region]:
    """The figures and tables of a page, and the columns of prose that look like one, without overlaps.

    `drawn` are regions that rules already prove to be tables.
    """
    regions = [Region(DocItemLabel.TABLE, box, 1.0) for box in drawn]
    level = [line for line in lines if not line.turned]
    # Tables come first: a table taken for a figure loses its text, a figure taken for a table does not.
    for found in sorted(detections, key=lambda found: (found.label != "table", -found.score)):
        within = [line for line in level if line.box.inside(found.box) > 0.5]
        read = [] if is_form(within) else _read(found, within, words)
        regions += [region for region in read if not any(_same_place(region.box, other.box) for other in regions)]
    return _without_hiding([with_side_columns(region, lines) for region in regions], lines)


def with_side_columns(region: Region, lines: Sequence[Line]) -> Region:
    """A table grows over columns of cells beside it: the detector may see only some of its columns."""
    if region.label is not DocItemLabel.TABLE:
        return region
    inside = [line for line in lines if line.box.inside(region.box) > 0.5]
    box = region.box
    beside = [line for line in lines if line not in inside and line.box.beside(box) > 0.5]
    left = [line for line in beside if line.box.right <= box.left]
    right = [line for line in beside if line.box.left >= box.right]
    for column in (left, right):
        if len(column) >= TABLE_ROWS and _is_column_of(inside, column):
            box = around((box, *(line.box for line in column)))
    return replace(region, box=box)


def _is_column_of(table: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Whether all lines are short and stand on rows of the table."""
    return all(
        line.box.width < PROSE_LENGTH * line.size and any(line.box.beside(cell.box) > 0.5 for cell in table)
        for line in lines
    )


def _seen(found: Detection, within: Sequence[Line]) -> list[Region]:
    if found.label not in ("figure", "table") or found.score < MIN_SCORE:
        return []
    region = _table(found, within) if found.label == "table" else _figure(found, within)
    return [region] if region else []


def _read(found: Detection, within: Sequence[Line], words: Sequence[Word]) -> list[Region]:
    """What the detector sees. Words that stand in columns decide what that is, whatever label it gives."""
    columns = _columns(found, within, words)
    if columns.cells:
        return [Region(DocItemLabel.TABLE, around(line.box for line in within), found.score)]
    if columns.prose:
        return [Region(DocItemLabel.TEXT, box, found.score) for box in columns.prose]
    return _seen(found, within)


def _columns(found: Detection, within: Sequence[Line], words: Sequence[Word]) -> Columns:
    rows = rows_of(within)
    if len(rows) < TABLE_ROWS or _columnar(rows) < 0.6 * len(rows):
        return Columns()
    inside = [word for word in words if word.box.inside(found.box) > 0.5]
    return columns_of(inside) if inside else Columns()


def _without_hiding(regions: Sequence[Region], lines: Sequence[Line]) -> list[Region]:
    """Drops pictures with text if they would hide most of the page's text, as on slides of boxes and on forms."""
    pictures = [region.box for region in regions if region.label is DocItemLabel.PICTURE]
    hidden = [line for line in lines if any(line.box.inside(box) > 0.5 for box in pictures)]
    if sum(len(line.text) for line in hidden) <= MOST_TEXT * sum(len(line.text) for line in lines):
        return list(regions)
    return [
        region
        for region in regions
        if region.label is not DocItemLabel.PICTURE or not any(line.box.inside(region.box) > 0.5 for line in hidden)
    ]


def _same_place(box: Box, other: Box) -> bool:
    return max(box.inside(other), other.inside(box)) > 0.5


def _figure(found: Detection, within: Sequence[Line]) -> Region | None:
    if not within:
        return Region(DocItemLabel.PICTURE, found.box, found.score)
    covered = sum(line.box.area for line in within) / found.box.area
    rows = rows_of(within)
    if covered > PRINTED_COVER and len(rows) >= TABLE_ROWS and _columnar(rows) > 0.7 * len(rows):
        return _table(found, within)
    blocks = find_blocks(within, [None] * len(within), typography_of(within))
    if covered > PROSE_COVER or any(_is_paragraph(block) for block in blocks):
        return None
    return Region(DocItemLabel.PICTURE, _without_captions(found.box, within), found.score)


def _is_paragraph(block: Block) -> bool:
    return sum(_is_prose(line) for line in block.lines) >= PROSE_ROWS


def _is_prose(line: Line) -> bool:
    return line.box.width > PROSE_LENGTH * line.size and line.spread < CELL_GAP


def _without_captions(box: Box, within: Sequence[Line]) -> Box:
    """Cuts captions off the box: exports leave out the text inside a figure."""
    captions = [line.box for line in within if CAPTION.match(line.text)]
    part = CAPTION_PART * box.height
    top = max((caption.bottom for caption in captions if caption.bottom < box.top + part), default=box.top)
    low = min((caption.top for caption in captions if caption.top > box.bottom - part), default=box.bottom)
    return Box(box.left, top, box.right, low)


def _table(found: Detection, within: Sequence[Line]) -> Region | None:
    if not within:
        return Region(DocItemLabel.TABLE, found.box, found.score)
    if all(line.fixed_pitch for line in within):
        return None
    rows = [row for row in rows_of(within) if len(row) > 1 or not CAPTION.match(row[0].text)]
    rows = max(_between_sentences(rows, found.box), key=_columnar, default=[])
    if not _columnar(rows):
        return None
    return Region(DocItemLabel.TABLE, _extent(rows, found.box, within), found.score)


def _columnar(rows: Sequence[Sequence[Line]]) -> int:
    return sum(len(row) > 1 or row[0].spread > CELL_GAP for row in rows)


def _between_sentences(rows: Iterable[list[Line]], box: Box) -> list[list[list[Line]]]:
    """Splits the rows at lines of prose: the detector's box may include prose before and after a table."""
    runs: list[list[list[Line]]] = [[]]
    for row in rows:
        if len(row) == 1 and _is_sentence(row[0], box):
            runs.append([])
        else:
            runs[-1].append(row)
    return runs


def _is_sentence(line: Line, box: Box) -> bool:
    return _is_prose(line) and line.box.width > 0.6 * box.width and line.box.left - box.left < 0.1 * box.width


def _extent(rows: Sequence[Sequence[Line]], box: Box, within: Sequence[Line]) -> Box:
    kept = around(line.box for row in rows for line in row)
    above = [line.box.bottom for line in within if line.box.bottom <= kept.top]
    below = [line.box.top for line in within if line.box.top >= kept.bottom]
    return Box(
        min(box.left, kept.left),
        max(above) if above else min(box.top, kept.top),
        max(box.right, kept.right),
        min(below) if below else max(box.bottom, kept.bottom),
    )

"""The reading order of a page: bands from top to bottom, and in each band its columns, each read to its end.

docling's own order starts with whatever stands furthest left, so a short heading comes before the title over it, and
right-to-left columns are read in the wrong order.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from statistics import median

from docling.models.postprocessing.reading_order_rb import PageElement, ReadingOrderPredictor, SeparatorElement
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.bidi import mostly_leftwards
from actors.parser.bundled.geometry import Box, around

#: The smallest width of a gap between columns, in points.
GUTTER = 5.0
#: Columns stand side by side: they share at least this much of the lower one's height.
SIDE_BY_SIDE = 0.3
#: The tops of two columns differ by less than this many lines.
HEAD_START = 4.0
#: Two elements stand on one line if they share this much of their heights.
ONE_LINE = 0.6
#: No line of text is taller than this, in points.
TALLEST_LINE = 40.0
#: Cells and labels are narrower than this many times their height, columns of prose are wider.
CELL_WIDTH = 14.0
#: Boxes of neighbouring lines may overlap a little: this share of their height, and at most this many points.
OVERLAP, MOST_OVERLAP = 0.2, 3.0
#: More cells than this on one line are not taken apart one by one: Python ends at some hundred calls within calls.
MANY = 50

_top = attrgetter("top")

RANKS = {DocItemLabel.PAGE_HEADER: 0, DocItemLabel.PAGE_FOOTER: 2}
BODY = 1


class ReadingOrder(ReadingOrderPredictor):
    """Takes the place of docling's predictor. docling still finds captions, and paragraphs that cross columns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def predict_reading_order(
        self, page_elements: list[PageElement], page_separators: list[SeparatorElement] | None = None
    ) -> list[PageElement]:
        """The elements page by page: headers first, then the body, then footers."""

        def part(element: PageElement) -> tuple[int, int]:
            return element.page_no, RANKS.get(element.label, BODY)

        ordered: list[PageElement] = []
        for _, group in groupby(sorted(page_elements, key=part), part):
            elements = list(group)
            leftwards = mostly_leftwards(element.text for element in elements)
            ordered.extend(elements[index] for index in order_of([_box(each) for each in elements], leftwards))
        return ordered

    def predict_to_footnotes(self, sorted_elements: list[PageElement]) -> dict[int, list[int]]:
        """None: a footnote stays in the text, since exports leave out the notes of a picture."""
        return {}


def _box(element: PageElement) -> Box:
    box = element.to_top_left_origin(element.page_size.height)
    return Box(box.l, box.t, box.r, box.b)


def order_of(boxes: Sequence[Box], leftwards: bool = False) -> list[int]:  # noqa: FBT001
    """The indices of the boxes in reading order; `leftwards` if lines run from right to left."""
    items = [(_mirrored(box) if leftwards else box, index) for index, box in enumerate(boxes)]
    return [index for _, index in _ordered(items)]


Item = tuple[Box, int]


def _mirrored(box: Box) -> Box:
    return Box(-box.right, box.top, -box.left, box.bottom)


def _overlap(box: Box) -> float:
    return min(OVERLAP * box.height, MOST_OVERLAP)


def _ordered(items: Sequence[Item]) -> list[Item]:
    if len(items) > MANY and _are_one_line(items):
        return sorted(items, key=lambda item: (item[0].left, item[0].top))
    slabs = _slabs(items)
    ordered: list[Item] = []
    start = 0
    while start < len(slabs):
        end, columns = _widest_band(slabs, start)
        if columns:
            ordered.extend(item for column in columns for item in _ordered(column))
        else:
            ordered.extend(sorted(slabs[start], key=lambda item: (item[0].top, item[0].left)))
        start = end
    return ordered


def _are_one_line(items: Sequence[Item]) -> bool:
    """Whether a horizontal line crosses all items, and no two stand over each other."""
    if len(items) < 2 or max(box.top for box, _ in items) >= min(box.bottom for box, _ in items):
        return False
    return len(_gaps(items)) == len(items) - 1


def _slabs(items: Iterable[Item]) -> list[list[Item]]:
    """Groups items from top to bottom, so that a horizontal line between two groups crosses no item."""
    slabs: list[list[Item]] = []
    bottom = 0.0
    for item in sorted(items, key=lambda item: item[0].top):
        box, _ = item
        if slabs and box.top + _overlap(box) < bottom:
            slabs[-1].append(item)
        else:
            slabs.append([item])
        bottom = max(bottom, box.bottom - _overlap(box))
    return slabs


def _widest_band(slabs: Sequence[list[Item]], start: int) -> tuple[int, tuple[list[Item], list[Item]] | None]:
    """The most slabs from `start` on that two columns run through: where they end, and the columns."""
    best: tuple[int, tuple[list[Item], list[Item]] | None] = (start + 1, None)
    band: list[Item] = []
    for end in range(start + 1, len(slabs) + 1):
        band.extend(slabs[end - 1])
        columns = _columns(band)
        if columns and (end == start + 1 or (_start_together(*columns) and not _are_rows(*columns))):
            best = (end, columns)
        elif not columns and not _gaps(band) and best[1]:
            break
    return best


def _columns(items: Sequence[Item]) -> tuple[list[Item], list[Item]] | None:
    """The items left and right of the widest gap with columns side by side, or None."""
    for low, high in sorted(_gaps(items), key=lambda gap: gap[0] - gap[1]):
        left = [item for item in items if item[0].right <= low]
        right = [item for item in items if item[0].left >= high]
        one, other = around(box for box, _ in left), around(box for box, _ in right)
        if one.beside(other) > SIDE_BY_SIDE:
            return left, right
    return None


def _gaps(items: Iterable[Item]) -> list[tuple[float, float]]:
    """The vertical stretches between items that no item crosses, as (left, right)."""
    gaps: list[tuple[float, float]] = []
    edge: float | None = None
    for box, _ in sorted(items, key=lambda item: item[0].left):
        if edge is not None and box.left - edge > GUTTER:
            gaps.append((edge, box.left))
        edge = box.right if edge is None else max(edge, box.right)
    return gaps


def _start_together(left: Sequence[Item], right: Sequence[Item]) -> bool:
    """Whether both columns begin at about the same height, as those of one text do."""
    line = min(box.height for box, _ in (*left, *right))
    return abs(min(box.top for box, _ in left) - min(box.top for box, _ in right)) < HEAD_START * line


def _are_rows(left: Sequence[Item], right: Sequence[Item]) -> bool:
    """Whether most items have a partner on their line and are short: labels with values, or cells of a table."""
    fewer, more = sorted((left, right), key=len)
    boxes = [box for box, _ in (*left, *right)]
    line = min(min(box.height for box in boxes), TALLEST_LINE)
    if median(box.width for box in boxes) >= CELL_WIDTH * line:
        return False
    others = sorted((box for box, _ in more), key=_top)
    partners = sum(box.height < 2 * line and _has_partner(box, others) for box, _ in fewer)
    return partners > 0.5 * len(fewer)


def _has_partner(box: Box, others: Sequence[Box]) -> bool:
    """Whether one of the boxes, which are sorted by their tops, stands on one line with this one."""
    first = bisect_left(others, box.top - (1 / ONE_LINE - 1) * box.height, key=_top)
    last = bisect_right(others, box.top + (1 - ONE_LINE) * box.height, key=_top)
    return any(_on_one_line(box, other) for other in others[first:last])


def _on_one_line(box: Box, other: Box) -> bool:
    shared = min(box.bottom, other.bottom) - max(box.top, other.top)
    return shared > ONE_LINE * max(box.height, other.height)

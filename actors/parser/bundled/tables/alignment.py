"""What the spacing of words tells about the rows and columns of a table. Pure; lengths in page points."""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from actors.parser.bundled.geometry import Word
from actors.parser.bundled.tables.grid import Grid, lines_of

Band = tuple[float, float]  # low, high

COLUMN_GAP = 0.8  # of a word's height: a gap through the whole table that is this wide parts two columns
PHRASE_GAP = 0.55  # of a word's height: wider than a space, so what follows is another cell's text
SPACE = 0.45  # of a word's height: spaces are narrower, gaps between columns wider
CROSSED = 0.15  # of the lines may run across a gap between columns: titles of column groups do
OVERLAP = 0.2  # of the lower of two words: more, and they stand on one line
TOUCHING = 0.15  # of a line's height: lines of one column stand further apart
MISCOUNTED = 0.7  # of the lines of text: more predicted rows than that are rows of one line, counted wrong
LOOSER = 1.4  # the gap between rows over the gap between lines within a row
VALUE = re.compile(r"[(+\-−–]?[$€£¥]?\s?\d[\d.,' ]*%?\)?")


def is_number(text: str) -> bool:
    return VALUE.fullmatch(text.strip()) is not None


def text_bands(words: Iterable[Word]) -> list[list[Word]]:
    """Words in lines from top to bottom; lines that overlap are one, as when a cell's text is centred beside two."""
    bands: list[list[Word]] = []
    bottom = 0.0
    for word in sorted(words, key=lambda word: (word.box.top, word.box.left)):
        if bands and bottom - word.box.top > OVERLAP * word.box.height:
            bands[-1].append(word)
            bottom = max(bottom, word.box.bottom)
        else:
            bands.append([word])
            bottom = word.box.bottom
    return bands


def beside_two_lines(words: Sequence[Word], cols: Sequence[float]) -> set[Word]:
    """Column titles that are centred beside two lines of other titles: texts of cells over two rows."""
    lines = lines_of(words)[:3]
    if len(lines) < 3:
        return set()
    above, line, below = lines
    one, both, two = ({bisect_right(cols[1:-1], word.box.center[0]) for word in held} for held in lines)
    close = max(_gap(above, line), _gap(line, below)) < TOUCHING * _height(line)
    return set(line) if close and _gap(above, below) > 0 and not both & (one | two) else set()


def _height(line: Iterable[Word]) -> float:
    return median(word.box.height for word in line)


def extent(band: Iterable[Word]) -> Band:
    boxes = [word.box for word in band]
    return min(box.top for box in boxes), max(box.bottom for box in boxes)


def column_gaps(words: Sequence[Word]) -> list[Band]:
    """Stretches that (nearly) no line of the table runs across and that are wider than a space."""
    bands = text_bands(words)
    allowed = max(1, int(CROSSED * len(bands))) if len(bands) > 3 else 0
    height = median(word.box.height for word in words)
    stops = sorted({x for word in words for x in (word.box.left, word.box.right)})
    gaps: list[Band] = []
    for left, right in pairwise(stops):
        crossing = sum(any(w.box.left < right and w.box.right > left for w in band) for band in bands)
        if crossing > allowed:
            continue
        if gaps and gaps[-1][1] == left:
            gaps[-1] = (gaps[-1][0], right)
        else:
            gaps.append((left, right))
    inner = [gap for gap in gaps if gap[0] > stops[0] and gap[1] < stops[-1]]
    return [(left, right) for left, right in inner if right - left > COLUMN_GAP * height]


def phrases(words: Iterable[Word]) -> list[list[Word]]:
    """Words from left to right, parted where one stands further from all before it than words of one text do."""
    parts: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.left):
        if parts and word.box.left - max(before.box.right for before in parts[-1]) <= PHRASE_GAP * word.box.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def parts_phrases(cut: float, words: Iterable[Word]) -> bool:
    """Whether an edge between columns at `cut` runs between words that stand no further apart than in a phrase."""
    gaps: list[float] = []
    for line in lines_of(words):
        before = [word.box for word in line if word.box.center[0] < cut]
        after = [word.box for word in line if word.box.center[0] >= cut]
        if before and after:
            gaps.append((after[0].left - before[-1].right) / before[-1].height)
    return bool(gaps) and median(gaps) < SPACE


def row_bands(words: Sequence[Word], grid: Grid, rules: Sequence[float]) -> list[list[Word]]:
    """Lines of text gathered into rows: of the readings that the words allow, the one nearest to the predicted count.

    `rules` are the heights of horizontal rules.
    """
    lines = text_bands(words)
    expected = len(grid.rows) - 1
    ruled = _by_rules(lines, rules)
    if len(ruled) == expected:
        return ruled
    spaced = _by_spacing(lines)
    wrapped = _by_prediction(lines, grid.rows) if len(spaced) == len(lines) else spaced
    readings = [lines, spaced, wrapped, _by_continuation(lines, grid.cols)]
    return min(readings, key=lambda rows: abs(len(rows) - expected))


def _by_prediction(lines: Sequence[list[Word]], edges: Sequence[float]) -> list[list[Word]]:
    """Lines of one predicted row are one row, if the prediction can mean wrapped texts and not a miscount."""
    if len(edges) - 1 > MISCOUNTED * len(lines):
        return list(lines)
    rows = [bisect_right(edges[1:-1], _middle(line)) for line in lines]
    return _without_stacks(lines, _join(lines, [above == below for above, below in pairwise(rows)]))


def _by_rules(lines: Sequence[list[Word]], rules: Sequence[float]) -> list[list[Word]]:
    """Lines without a rule between them are one row."""
    return _join(
        lines, [not any(_middle(above) < y < _middle(below) for y in rules) for above, below in pairwise(lines)]
    )


def _by_spacing(lines: Sequence[list[Word]]) -> list[list[Word]]:
    """Lines that stand closer than the rest are one row, unless numbers would be stacked in it."""
    gaps = [_gap(above, below) for above, below in pairwise(lines)]
    ordered = sorted(gaps)
    jumps = [(after - before, after) for before, after in pairwise(ordered) if after > LOOSER * max(before, 1.0)]
    _, threshold = max(jumps, default=(0.0, -math.inf))
    return _without_stacks(lines, _join(lines, [gap < threshold for gap in gaps]))


def _without_stacks(lines: Sequence[list[Word]], rows: list[list[Word]]) -> list[list[Word]]:
    """The rows, or the lines again where a row would have one value under another: values are not broken into lines."""
    return list(lines) if any(_stacks_values(row) for row in rows) else rows


def _by_continuation(lines: Sequence[list[Word]], cols: Sequence[float]) -> list[list[Word]]:
    """A line of words alone goes on with the row above when nothing is new in it: no first cell, none empty above."""
    columns = [{bisect_right(cols[1:-1], word.box.center[0]) for word in line} for line in lines]
    goes_on = [
        0 not in columns[i] and columns[i] <= columns[i - 1] and not any(is_number(word.text) for word in lines[i])
        for i in range(1, len(lines))
    ]
    return _join(lines, goes_on)


def _join(lines: Sequence[list[Word]], joins: Sequence[bool]) -> list[list[Word]]:
    """Rows of lines; `joins` says of every line but the first whether it goes on with the line above."""
    rows = [list(lines[0])]
    for line, joined in zip(lines[1:], joins, strict=True):
        if joined:
            rows[-1].extend(line)
        else:
            rows.append(list(line))
    return rows


def _middle(line: Iterable[Word]) -> float:
    return median(word.box.center[1] for word in line)


def _gap(above: Iterable[Word], below: Iterable[Word]) -> float:
    """Between typical words: bold ones are taller and would make rows of one spacing look unlike."""
    return median(word.box.top for word in below) - median(word.box.bottom for word in above)


def _stacks_values(row: Sequence[Word]) -> bool:
    parts = [part for line in lines_of(row) for part in phrases(line)]
    values = [part[0].box for part in parts if len(part) == 1 and any(map(str.isdigit, part[0].text))]
    return any(a.bottom <= b.top + 1 and a.above(b) > 0 for a in values for b in values)

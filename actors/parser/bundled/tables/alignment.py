"""Finds the rows and columns of a table from the spacing of its words. Pure; lengths in points."""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from actors.parser.bundled.geometry import Word
from actors.parser.bundled.tables.grid import Grid, lines_of

Band = tuple[float, float]  # low, high

COLUMN_GAP = 0.8  # of a word's height: a wider gap through the whole table separates two columns
PHRASE_GAP = 0.55  # of a word's height: a wider gap is no space, so another cell starts after it
SPACE = 0.45  # of a word's height: spaces are narrower, gaps between columns are wider
CROSSED = 0.15  # of the lines may cross a gap between columns: titles of column groups do
OVERLAP = 0.2  # of the lower word's height: words that overlap more stand on one line
TOUCHING = 0.15  # of a line's height: the lines of one column have wider gaps
MISCOUNTED = 0.7  # of the lines of text: if more rows are predicted, each line is a row and the count is wrong
LOOSER = 1.4  # the gap between rows is at least this many times the gap between lines in a row
VALUE = re.compile(r"[(+\-−–]?[$€£¥]?\s?\d[\d.,' ]*(%|\s?([$€£¥]|EUR|USD|GBP|CHF))?\)?")


def is_number(text: str) -> bool:
    """Whether the text is a number, an amount of money or a percentage."""
    return VALUE.fullmatch(text.strip()) is not None


def text_bands(words: Iterable[Word]) -> list[list[Word]]:
    """Groups words into lines from top to bottom. Lines that overlap count as one: a cell may be centred beside two
    others."""
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
    """The column titles that are centred beside two lines of other titles. Their cells span two rows."""
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
    """The top and bottom of the words."""
    boxes = [word.box for word in band]
    return min(box.top for box in boxes), max(box.bottom for box in boxes)


def column_gaps(words: Sequence[Word]) -> list[Band]:
    """The horizontal gaps that are wider than a space and that almost no line of the table crosses."""
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
    """Groups words into phrases, from left to right, and starts a new phrase after each wide gap."""
    parts: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.left):
        if parts and word.box.left - max(before.box.right for before in parts[-1]) <= PHRASE_GAP * word.box.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def parts_phrases(cut: float, words: Iterable[Word]) -> bool:
    """Whether a column edge at `cut` would split phrases: the words beside it are only a space apart."""
    gaps: list[float] = []
    for line in lines_of(words):
        before = [word.box for word in line if word.box.center[0] < cut]
        after = [word.box for word in line if word.box.center[0] >= cut]
        if before and after:
            gaps.append((after[0].left - before[-1].right) / before[-1].height)
    return bool(gaps) and median(gaps) < SPACE


def row_bands(words: Sequence[Word], grid: Grid, rules: Sequence[float]) -> list[list[Word]]:
    """Groups lines of text into rows. Of several possible groupings it takes the one nearest to the predicted count.

    `rules` are the y positions of horizontal rules.
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
    """Joins the lines of each predicted row, unless the predicted count is clearly wrong."""
    if len(edges) - 1 > MISCOUNTED * len(lines):
        return list(lines)
    rows = [bisect_right(edges[1:-1], _middle(line)) for line in lines]
    return _without_stacks(lines, _join(lines, [above == below for above, below in pairwise(rows)]))


def _by_rules(lines: Sequence[list[Word]], rules: Sequence[float]) -> list[list[Word]]:
    """Joins lines that have no rule between them."""
    return _join(
        lines, [not any(_middle(above) < y < _middle(below) for y in rules) for above, below in pairwise(lines)]
    )


def _by_spacing(lines: Sequence[list[Word]]) -> list[list[Word]]:
    """Joins lines that are closer together than the others, except where numbers would stand on top of each other."""
    gaps = [_gap(above, below) for above, below in pairwise(lines)]
    ordered = sorted(gaps)
    jumps = [(after - before, after) for before, after in pairwise(ordered) if after > LOOSER * max(before, 1.0)]
    _, threshold = max(jumps, default=(0.0, -math.inf))
    return _without_stacks(lines, _join(lines, [gap < threshold for gap in gaps]))


def _without_stacks(lines: Sequence[list[Word]], rows: list[list[Word]]) -> list[list[Word]]:
    """The rows, or the lines if a row would stack one value on another: a value never wraps."""
    return list(lines) if any(_stacks_values(row) for row in rows) else rows


def _by_continuation(lines: Sequence[list[Word]], cols: Sequence[float]) -> list[list[Word]]:
    """Joins a line without numbers to the row above if it has no first cell and fills no cell that is empty above."""
    columns = [{bisect_right(cols[1:-1], word.box.center[0]) for word in line} for line in lines]
    goes_on = [
        0 not in columns[i] and columns[i] <= columns[i - 1] and not any(is_number(word.text) for word in lines[i])
        for i in range(1, len(lines))
    ]
    return _join(lines, goes_on)


def _join(lines: Sequence[list[Word]], joins: Sequence[bool]) -> list[list[Word]]:
    """Joins lines into rows. `joins` says for each line after the first whether it continues the row above."""
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
    """The gap between typical words of both lines: taller bold words would distort it."""
    return median(word.box.top for word in below) - median(word.box.bottom for word in above)


def _stacks_values(row: Sequence[Word]) -> bool:
    parts = [part for line in lines_of(row) for part in phrases(line)]
    values = [part[0].box for part in parts if len(part) == 1 and any(map(str.isdigit, part[0].text))]
    return any(a.bottom <= b.top + 1 and a.above(b) > 0 for a in values for b in values)

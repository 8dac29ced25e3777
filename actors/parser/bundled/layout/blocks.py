"""Groups lines of text into blocks: paragraphs, headings, list items. Uses geometry and typography, no model."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from statistics import median

from actors.parser.bundled.geometry import Box, around
from actors.parser.bundled.layout.lines import MIXED, Line
from actors.parser.bundled.layout.rows import as_read, field_rows

LEADERS = re.compile(r"(\.\s?){5,}|…{2,}|(_\s?){8,}")
#: The gap between two lines, in line heights, if the page has too few lines to measure it.
USUAL_GAP = 0.3
#: How much wider the gap between two paragraphs is, in line heights.
EXTRA_GAP = 0.4
#: A first line counts as indented if it starts at least this many line heights further in.
INDENT = 0.7
TITLE_ROWS = 3
TITLE_LETTERS = 200


@dataclass(frozen=True)
class Typography:
    """The usual text of a page: its size in points, weight and font, and the gap between lines in line heights."""

    size: float
    heavy: bool
    gap: float
    font: str = ""


@dataclass(frozen=True)
class Block:
    """Lines that belong together. `rows` go from top to bottom; the lines of a row are in reading order."""

    rows: tuple[tuple[Line, ...], ...]

    @cached_property
    def lines(self) -> list[Line]:
        return [line for row in self.rows for line in row]

    @cached_property
    def box(self) -> Box:
        return around(line.box for line in self.lines)

    @cached_property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @cached_property
    def size(self) -> float:
        return median(line.size for line in self.lines)

    @cached_property
    def heavy(self) -> bool:
        return all(line.heavy for line in self.lines)

    @property
    def font(self) -> str:
        return self.rows[0][0].font

    @property
    def fixed_pitch(self) -> bool:
        return all(line.fixed_pitch for line in self.lines)

    @property
    def turned(self) -> bool:
        return all(line.turned for line in self.lines)

    @property
    def marked(self) -> bool:
        return self.rows[0][0].marked

    @property
    def reads_as_title(self) -> bool:
        """Whether the block is short enough for a heading, has letters and runs as the page's text does."""
        short = len(self.rows) <= TITLE_ROWS and len(self.text) <= TITLE_LETTERS
        return short and any(map(str.isalpha, self.text)) and not self.turned

    @property
    def has_leaders(self) -> bool:
        return all(LEADERS.search(row[0].text) for row in self.rows)


def typography_of(lines: Sequence[Line]) -> Typography:
    letters = sum(len(line.text) for line in lines)
    heavy = sum(len(line.text) for line in lines if line.heavy) > 0.5 * letters
    sizes = sorted((line.size, len(line.text)) for line in lines)
    seen, size = 0, 0.0
    for size, count in sizes:  # noqa: B007 - ends at the median: half of all letters are this size or smaller
        seen += count
        if 2 * seen >= letters:
            break
    fonts: Counter[str] = Counter()
    for line in lines:
        fonts[line.font] += len(line.text)
    font = max(fonts, key=lambda font: fonts[font], default="")
    return Typography(size, heavy, _usual_gap(lines), font)


def _usual_gap(lines: Iterable[Line]) -> float:
    ordered = sorted(lines, key=lambda line: line.box.top)
    gaps = [gap for number, line in enumerate(ordered) if (gap := _gap_below(line, ordered[number + 1 :])) is not None]
    return median(gaps) if gaps else USUAL_GAP


def _gap_below(line: Line, later: Iterable[Line]) -> float | None:
    """The gap to the nearest line below, in line heights, or None if no line is near."""
    near = takewhile(lambda other: other.box.top < line.box.bottom + 2 * line.size, later)
    below = (
        other for other in near if other.box.top > line.box.top + line.size / 2 and other.box.above(line.box) > 0.5
    )
    nearest = next(below, None)
    return max(0.0, nearest.box.top - line.box.bottom) / line.size if nearest else None


def find_blocks(lines: Sequence[Line], homes: Sequence[Box | None], usual: Typography) -> list[Block]:
    """Groups lines into blocks. `homes` has the detector's region of each line; only code crosses regions.

    A row of a form, with a label and its value, is a block of its own.
    """
    fields = field_rows(lines)
    taken = {id(line) for row in fields for line in row}
    free = [(line, home) for line, home in zip(lines, homes, strict=True) if id(line) not in taken]
    grown = _grow(_from_the_top(free), usual)
    return [*(_block([row]) for row in fields), *map(_block, grown)]


@dataclass
class _Growing:
    """A block that may get more lines, and the place of its last row."""

    rows: list[list[Line]]
    home: Box | None
    last: Box

    def takes(self, line: Line, home: Box | None, usual: Typography) -> bool:
        """Add the line if it belongs here. Whether it does."""
        same_home = home == self.home
        if _same_row(self.rows[-1], self.last, line, same_home=same_home):
            self.rows[-1].append(line)
            self.last = around((self.last, line.box))
            return True
        if _continues(self.rows, self.last, line, usual, same_home=same_home):
            self.rows.append([line])
            self.last = line.box
            return True
        return False


def _grow(lines: Iterable[tuple[Line, Box | None]], usual: Typography) -> list[list[list[Line]]]:
    growing: list[_Growing] = []
    for line, home in lines:
        if not any(block.takes(line, home, usual) for block in reversed(growing)):
            growing.append(_Growing([[line]], home, line.box))
    return [block.rows for block in growing]


def _block(rows: Iterable[Iterable[Line]]) -> Block:
    return Block(tuple(tuple(as_read(row)) for row in rows))


def _from_the_top(lines: Sequence[tuple[Line, Box | None]]) -> list[tuple[Line, Box | None]]:
    """The lines from top to bottom; each row starts at its left, or at its right in a right-to-left region."""
    leftwards: dict[Box | None, float] = {}
    for line, home in lines:
        leftwards[home] = leftwards.get(home, 0.0) + line.box.width * (1 if line.right_to_left else -1)
    return sorted(
        lines, key=lambda pair: (pair[0].box.top, -pair[0].box.right if leftwards[pair[1]] > 0 else pair[0].box.left)
    )


def _same_row(row: Sequence[Line], box: Box, line: Line, *, same_home: bool) -> bool:
    """Whether the line continues the row in this box."""
    if line.box.beside(box) <= 0.5:
        return False
    gap = max(line.box.left - box.right, box.left - line.box.right)
    # A heading's number stands apart from its text, and the detector may see only one of them.
    number = min(len(line.text), len(row[0].text)) <= 3 and line.heavy and row[0].heavy
    code = line.fixed_pitch and row[0].fixed_pitch and same_home
    widest = 10.0 if code else 1.5 if same_home or number else 0.5
    return gap < widest * line.size


def _continues(rows: Sequence[Sequence[Line]], above: Box, line: Line, usual: Typography, *, same_home: bool) -> bool:
    """Whether the line continues the block with these rows, of which the last is `above`."""
    last = rows[-1][0]
    gap = line.box.top - above.bottom
    if line.bullet or gap < -0.5 * line.size:
        return False
    if line.fixed_pitch and last.fixed_pitch:  # code has empty lines and deep indents; the detector splits it
        block = around(other.box for row in rows for other in row)
        return gap < 2 * line.size and line.box.above(block) > 0.3
    if not same_home or line.box.above(above) <= 0.3:
        return False
    if LEADERS.search(line.text) and LEADERS.search(last.text):
        return gap < 2 * line.size
    return (
        gap < (usual.gap + EXTRA_GAP) * line.size
        and line.fixed_pitch == last.fixed_pitch
        and abs(line.size - last.size) < 0.15 * max(line.size, last.size)
        and line.heavy == last.heavy
        and (line.font == last.font or MIXED in (line.font, last.font) or _is_full(rows[-1], line))
        and not _starts_anew(rows, line)
    )


def _starts_anew(rows: Sequence[Sequence[Line]], line: Line) -> bool:
    """Whether the line starts a paragraph, judged by its indent (at the right for right-to-left text)."""
    step = INDENT * line.size
    indents = [_indent(row, line) for row in rows]  # how much further in the new line starts
    if line.numbered and (rows[0][0].numbered or indents[-1] < -step):
        return True
    if abs(line.box.center[0] - around(cell.box for cell in rows[-1]).center[0]) < 0.5 * step:
        return False  # centred, or as wide as the line above
    if indents[-1] > step:
        return not (len(rows) == 1 and (rows[0][0].marked or _is_full(rows[0], line)))
    return len(rows) > 1 and indents[-1] < -step and abs(indents[0]) < step


def _indent(row: Sequence[Line], line: Line) -> float:
    box = around(other.box for other in row)
    return box.right - line.box.right if line.right_to_left else line.box.left - box.left


def _is_full(row: Sequence[Line], line: Line) -> bool:
    """Whether the row reaches the end of the next line: only a full line is followed by a hanging indent."""
    box = around(other.box for other in row)
    if line.right_to_left:
        return box.left <= line.box.left + line.size
    return box.right >= line.box.right - line.size

"""Finds tables without a model: regions that rules divide into cells with text, and text that stands in columns.

The detector sees a small picture of the page and takes some of these tables for figures or prose. Lengths in points.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image

from actors.parser.bundled.geometry import Box, Word, around
from actors.parser.bundled.tables.alignment import column_gaps, is_number, phrases, text_bands
from actors.parser.bundled.tables.grid import Grid
from actors.parser.bundled.tables.ink import Ink, read_ink
from actors.parser.bundled.tables.ruled import drawn_places, positions

TOUCH = 2.0  # points: rules closer than this meet
WIDE = 40.0  # points: strokes of large letters are shorter, rules of tables are longer
TALL = 9.0  # points: the smallest average height of a row
WRITTEN = 0.5  # of a ruled table's cells have text, at least
FILLED = 0.6  # of an unruled table's rows have text in several columns, at least
PROSE_WIDTH = 10.0  # in text heights: columns of prose are at least this wide
FULL = 0.85  # of the widest line in a column: most lines of prose are longer
CELL_WIDTH = 14.0  # in text heights: cells are narrower than this, columns of prose are wider


def ruled_regions(image: Image.Image, scale: float) -> list[Box]:
    """The tables that rules draw on a page; `image` shows the whole page at `scale` pixels per point."""
    page = Box(0.0, 0.0, image.width / scale, image.height / scale)
    ink = read_ink(image, page, scale)
    across = [rule for rule in ink.horizontal if rule.width > WIDE]
    down = [rule for rule in ink.vertical if any(_meet(rule, other) for other in across)]
    groups = _meeting([*across, *down])
    return [around(group) for group in groups if _is_table(group, ink)]


def _meeting(rules: Iterable[Box]) -> list[list[Box]]:
    """Groups rules that are connected."""
    groups: list[list[Box]] = []
    for rule in rules:
        apart, joined = [], [rule]
        for group in groups:
            if any(_meet(rule, other) for other in group):
                joined.extend(group)
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


def _meet(rule: Box, other: Box) -> bool:
    across = rule.left - TOUCH < other.right and other.left - TOUCH < rule.right
    return across and rule.top - TOUCH < other.bottom and other.top - TOUCH < rule.bottom


def _is_table(rules: Sequence[Box], ink: Ink) -> bool:
    """Whether the rules divide their region into rows and columns of cells, and most cells have text."""
    region = around(rules)
    across = [rule for rule in rules if rule.width > rule.height]
    down = [rule for rule in rules if rule.height > rule.width]
    rows = positions([rule.center[1] for rule in across])
    cols = positions([region.left, region.right, *(rule.center[0] for rule in down)])
    if len(rows) < 3 or len(cols) < 3 or region.height < TALL * (len(rows) - 1):
        return False
    grid = Grid(tuple(rows), tuple(cols), drawn_places(rows, cols, across, down))
    written = sum(_is_written(grid.box(place), ink) for place in grid.places)
    return len(grid.places) >= 4 and written >= WRITTEN * len(grid.places)


def _is_written(cell: Box, ink: Ink) -> bool:
    left, top, right, bottom = (round(side * ink.scale) for side in cell)
    return bool(np.any(ink.writing[top + 2 : bottom - 1, left + 2 : right - 1]))


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands in the columns of some words: the cells of a table, or prose in these boxes, or neither."""

    cells: bool = False
    prose: tuple[Box, ...] = ()


def columns_of(words: Sequence[Word]) -> Columns:
    """Short texts in three columns are cells, and those in two columns if the last has numbers.

    Lines that fill every column up to its edge, as those of a paragraph do, are prose.
    """
    rows = text_bands(words)
    cuts = [(low + high) / 2 for low, high in column_gaps(words)]
    if len(rows) < 3 or not cuts:
        return Columns()
    # Only these gaps part the lines of prose: the spaces of a justified line may be as wide as those between cells.
    columns = list(zip(*(_split(row, cuts) for row in rows), strict=True))
    if all(_is_prose(column) for column in columns):
        return Columns(prose=tuple(around(word.box for line in column for word in line) for column in columns))
    cells = [phrases(row) for row in rows]
    widths = [around(word.box for word in cell).width / cell[0].box.height for row in cells for cell in row]
    filled = sum(len({bisect_right(cuts, cell[0].box.center[0]) for cell in row}) > 1 for row in cells)
    numeric = sum(any(is_number(word.text) for word in row[-1]) for row in cells)
    return Columns(
        cells=filled >= FILLED * len(rows)
        and median(widths) < CELL_WIDTH
        and (len(cuts) > 1 or numeric >= FILLED * len(rows))
    )


def _split(row: Iterable[Word], cuts: Sequence[float]) -> list[list[Word]]:
    """The words of a row in each column."""
    columns: list[list[Word]] = [[] for _ in range(len(cuts) + 1)]
    for word in row:
        columns[bisect_right(cuts, word.box.center[0])].append(word)
    return columns


def _is_prose(column: Iterable[Sequence[Word]]) -> bool:
    widths = [around(word.box for word in line).width / line[0].box.height for line in column if line]
    return max(widths) > PROSE_WIDTH and median(widths) > FULL * max(widths)

"""Reads the structure of tables whose cells are all drawn with rules. Pure; lengths in points."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.tables.grid import Grid, Place, fill, lines_of, tile

SAME = 2.5  # points: rules nearer than this are one
DRAWN = 0.6  # of a cell's side: the side counts as drawn if rules cover more than this
WIDE_GAP = 1.5  # of a word's height: wider than a space


def ruled_grid(horizontal: Sequence[Box], vertical: Sequence[Box], words: Sequence[Word]) -> Grid | None:
    """The grid that the rules draw, or None if they leave it open or miss rows or columns that the words show."""
    down = [rule for rule in vertical if not _is_stroke(rule, words)]
    across = [rule for rule in horizontal if not _is_stroke(rule, words)]
    rows = _edges([rule.center[1] for rule in across], [word.box.center[1] for word in words])
    cols = _edges([rule.center[0] for rule in down], [word.box.center[0] for word in words])
    if len(rows) < 3 or len(cols) < 3 or not across or not down:
        return None
    places = drawn_places(rows, cols, across, down)
    if not places:
        return None
    grid = Grid(rows, cols, places)
    return None if _rows_in_one(grid, words) or _cols_in_one(grid, words) else grid


def _is_stroke(rule: Box, words: Iterable[Word]) -> bool:
    """Whether the rule belongs to a word: a stroke of a letter, an underline or a dash."""
    x, y = rule.center
    return any(
        word.box.left < x < word.box.right
        and word.box.top - SAME < y < word.box.bottom + SAME
        and rule.width < word.box.width + SAME
        and rule.height < 2 * word.box.height
        for word in words
    )


def positions(rules: Iterable[float]) -> list[float]:
    """The positions of the rules in order; near positions count as one."""
    groups: list[list[float]] = []
    for position in sorted(rules):
        if groups and position - groups[-1][-1] < SAME:
            groups[-1].append(position)
        else:
            groups.append([position])
    return [sum(group) / len(group) for group in groups]


def _edges(rules: Sequence[float], words: Sequence[float]) -> tuple[float, ...]:
    """The positions of the rules, with an outer edge added if words lie beyond them."""
    edges = positions(rules)
    if edges and min(words) < edges[0]:
        edges.insert(0, min(words) - SAME)
    if edges and max(words) > edges[-1]:
        edges.append(max(words) + SAME)
    return tuple(edges)


def drawn_places(
    rows: Sequence[float], cols: Sequence[float], across: Sequence[Box], down: Sequence[Box]
) -> tuple[Place, ...]:
    """Joins neighbouring cells without a rule between them. Empty if a joined place is not a rectangle."""
    count = len(cols) - 1
    owner = list(range((len(rows) - 1) * count))

    def root(cell: int) -> int:
        while owner[cell] != cell:
            cell = owner[cell]
        return cell

    for cell in range(len(owner)):
        row, col = divmod(cell, count)
        top, bottom, left, right = rows[row], rows[row + 1], cols[col], cols[col + 1]
        beside = [(rule.top, rule.bottom) for rule in down if abs(rule.center[0] - right) < SAME]
        below = [(rule.left, rule.right) for rule in across if abs(rule.center[1] - bottom) < SAME]
        if col + 1 < count and _cover(beside, top, bottom) < DRAWN:
            owner[root(cell + 1)] = root(cell)
        if row + 2 < len(rows) and _cover(below, left, right) < DRAWN:
            owner[root(cell + count)] = root(cell)
    members: dict[int, list[tuple[int, int]]] = {}
    for cell in range(len(owner)):
        members.setdefault(root(cell), []).append(divmod(cell, count))
    places = [_rectangle(cells) for cells in members.values()]
    whole = all(
        place.row_span * place.col_span == len(cells) for place, cells in zip(places, members.values(), strict=True)
    )
    return tile(places, len(rows) - 1, count) if whole else ()


def _cover(rules: Iterable[tuple[float, float]], low: float, high: float) -> float:
    return sum(max(0.0, min(end, high) - max(start, low)) for start, end in rules) / (high - low)


def _rectangle(cells: Sequence[tuple[int, int]]) -> Place:
    rows, cols = sorted({row for row, _ in cells}), sorted({col for _, col in cells})
    return Place(rows[0], cols[0], rows[-1] - rows[0] + 1, cols[-1] - cols[0] + 1)


def _rows_in_one(grid: Grid, words: Sequence[Word]) -> bool:
    """Whether a ruled row seems to hold several rows: half of its cells, and at least two, have stacked lines.

    Two lines still count as one row, unless the rules only separate the header from the body.
    """
    heights: dict[int, list[int]] = {}
    for place, held in fill(grid, words).items():
        if held and place.row_span == 1:
            heights.setdefault(place.row, []).append(len(lines_of(held)))
    believed = 2 if len(heights) > 2 else 1
    stacked = [(sum(lines > believed for lines in row), len(row)) for row in heights.values()]
    return any(many > 1 and many * 2 >= cells for many, cells in stacked)


def _cols_in_one(grid: Grid, words: Sequence[Word]) -> bool:
    """Whether a ruled column seems to hold several columns: at least two of its lines have a wide gap."""
    gaps: dict[int, int] = {}
    for place, held in fill(grid, words).items():
        if place.col_span == 1:
            gaps[place.col] = gaps.get(place.col, 0) + sum(_has_wide_gap(line) for line in lines_of(held))
    return any(count > 1 for count in gaps.values())


def _has_wide_gap(line: Sequence[Word]) -> bool:
    return any(after.box.left - before.box.right > WIDE_GAP * before.box.height for before, after in pairwise(line))

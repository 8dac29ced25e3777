"""Corrects a predicted table structure with the words of the table. Pure; lengths in points from the top left."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.tables.alignment import (
    Band,
    beside_two_lines,
    column_gaps,
    extent,
    parts_phrases,
    phrases,
    row_bands,
)
from actors.parser.bundled.tables.grid import Grid, Place, best_cut, edges_between, fill, tile
from actors.parser.bundled.tables.slanet import PredictedCell

OFF_CENTRE = 0.1  # of the columns' width: how far off their middle a title over them may be


def grid_from_prediction(cells: Sequence[PredictedCell], words: Sequence[Word], rules: Sequence[Box]) -> Grid:
    """Fits the predicted structure to the words, and corrects its rows and columns by their spacing.

    `rules` are the horizontal rules in the table.
    """
    rows = max(cell.row + cell.row_span for cell in cells)
    cols = max(cell.col + cell.col_span for cell in cells)
    row_extents = _bands(rows, [(c.row, c.row_span, c.box.top, c.box.bottom) for c in cells])
    col_extents = _bands(cols, [(c.col, c.col_span, c.box.left, c.box.right) for c in cells])
    grid = Grid(
        rows=edges_between(row_extents, [(word.box.top, word.box.bottom) for word in words]),
        cols=edges_between(col_extents, [(word.box.left, word.box.right) for word in words]),
        places=tile((Place(c.row, c.col, c.row_span, c.col_span) for c in cells), rows, cols),
    )
    grid = without_empty_bands(grid, words)
    grid = without_split_phrases(with_gap_columns(grid, words), words)
    grid = with_parted_spans(without_crossed_spans(grid, words, rules), words)
    return without_empty_bands(with_text_rows(grid, words, rules), words)


def _bands(count: int, extents: Sequence[tuple[int, int, float, float]]) -> list[Band]:
    """The median extent of each row or column over its cells without spans, or else over all cells that cover it."""
    bands: list[Band] = []
    for index in range(count):
        own = [(low, high) for start, span, low, high in extents if start == index and span == 1]
        covering = [(low, high) for start, span, low, high in extents if start <= index < start + span]
        chosen = own or covering
        bands.append((median(low for low, _ in chosen), median(high for _, high in chosen)))
    return sorted(bands, key=sum)


def with_gap_columns(grid: Grid, words: Sequence[Word]) -> Grid:
    """Adds a column edge in every gap between words that has none."""
    intervals = [(word.box.left, word.box.right) for word in words]
    for low, high in column_gaps(words):
        if not any(low <= x <= high for x in grid.cols):
            grid = _split_column(grid, best_cut(low, high, (low + high) / 2, intervals), words)
    return grid


def _split_column(grid: Grid, cut: float, words: Sequence[Word]) -> Grid:
    """Splits a column. A place at the cut becomes two, unless it spans columns or one of its words crosses the cut."""
    index = bisect_right(grid.cols[1:-1], cut)
    places: list[Place] = []
    for place, held in fill(grid, words).items():
        shift = 1 if place.col > index else 0
        if not place.col <= index < place.col + place.col_span:
            places.append(Place(place.row, place.col + shift, place.row_span, place.col_span))
        elif place.col_span > 1 or any(word.box.left < cut < word.box.right for word in held):
            places.append(Place(place.row, place.col, place.row_span, place.col_span + 1))
        else:
            places.extend(Place(place.row, place.col + side, place.row_span) for side in (0, 1))
    cols = (*grid.cols[: index + 1], cut, *grid.cols[index + 1 :])
    return Grid(grid.rows, cols, tile(places, len(grid.rows) - 1, len(cols) - 1))


def without_split_phrases(grid: Grid, words: Sequence[Word]) -> Grid:
    """Removes column edges that only split phrases."""
    beside = [
        [word for word in words if low < word.box.center[0] < high]
        for low, high in zip(grid.cols, grid.cols[2:], strict=False)
    ]
    false = [index for index, near in enumerate(beside, 1) if parts_phrases(grid.cols[index], near)]
    if not false:
        return grid
    kept = [index for index in range(len(grid.cols)) if index not in false]
    new = [bisect_right(kept[1:-1], col) for col in range(len(grid.cols) - 1)]
    places = [Place(p.row, new[p.col], p.row_span, new[p.col + p.col_span - 1] - new[p.col] + 1) for p in grid.places]
    return Grid(grid.rows, tuple(grid.cols[index] for index in kept), tile(places, len(grid.rows) - 1, len(kept) - 1))


def without_crossed_spans(grid: Grid, words: Sequence[Word], rules: Sequence[Box]) -> Grid:
    """Removes row spans that a horizontal rule crosses from side to side, between the words."""
    kept = [
        place
        for place, held in fill(grid, words).items()
        if place.row_span == 1 or not any(_crosses(rule, grid.box(place), held) for rule in rules)
    ]
    return Grid(grid.rows, grid.cols, tile(kept, len(grid.rows) - 1, len(grid.cols) - 1))


def _crosses(rule: Box, box: Box, words: Sequence[Word]) -> bool:
    covered = min(rule.right, box.right) - max(rule.left, box.left)
    heights = [word.box.center[1] for word in words]
    return covered > 0.8 * (box.right - box.left) and bool(heights) and min(heights) < rule.center[1] < max(heights)


def with_parted_spans(grid: Grid, words: Sequence[Word]) -> Grid:
    """Splits column spans between phrases."""
    places: list[Place] = []
    for place, held in fill(grid, words).items():
        parts = {_column(grid, part[0]): part for part in reversed(phrases(held))}
        starts = sorted(parts)
        if place.col_span == 1 or not parts or starts == [place.col]:
            places.append(place)
            continue
        low = place.col
        for start, high in pairwise([*starts, place.col + place.col_span]):
            places.append(_centred(grid, place, parts[start], low, high))
            low = _column(grid, parts[start][-1]) + 1
    return Grid(grid.rows, grid.cols, tile(places, len(grid.rows) - 1, len(grid.cols) - 1))


def _column(grid: Grid, word: Word) -> int:
    return bisect_right(grid.cols[1:-1], word.box.center[0])


def _centred(grid: Grid, place: Place, phrase: Sequence[Word], low: int, high: int) -> Place:
    """The widest span from `low` to `high` in whose middle the phrase stands, or else the columns under the phrase."""
    middle = (phrase[0].box.left + phrase[-1].box.right) / 2
    first, last = (min(max(_column(grid, word), low), high - 1) for word in (phrase[0], phrase[-1]))
    start, end = max(
        ((s, e) for s in range(low, first + 1) for e in range(last + 1, high + 1) if _is_middle(grid, s, e, middle)),
        key=lambda columns: columns[1] - columns[0],
        default=(first, last + 1),
    )
    return Place(place.row, start, place.row_span, end - start)


def _is_middle(grid: Grid, start: int, end: int, x: float) -> bool:
    left, right = grid.cols[start], grid.cols[end]
    return abs((left + right) / 2 - x) < OFF_CENTRE * (right - left)


def with_text_rows(grid: Grid, words: Sequence[Word], rules: Sequence[Box]) -> Grid:
    """Moves the row edges between the rows of text; spans keep their rows."""
    filled = fill(grid, words)
    spanning = {word for place in grid.places if place.row_span > 1 for word in filled[place]}
    between = beside_two_lines([word for word in words if word not in spanning], grid.cols)
    single = [word for word in words if word not in spanning and word not in between]
    if not single:
        return grid
    heights = [rule.center[1] for rule in rules]
    bands = [extent(band) for band in row_bands(single, grid, heights)]
    edges = (
        min(grid.rows[0], bands[0][0]),
        *((above[1] + below[0]) / 2 for above, below in pairwise(bands)),
        max(grid.rows[-1], bands[-1][1]),
    )
    places = []
    for place in sorted(grid.places, key=lambda place: not filled[place]):
        top, bottom = _reach(grid, place, [word for word in filled[place] if word in between])
        first, last = (bisect_right(edges[1:-1], y) for y in (top, bottom))
        places.append(Place(first, place.col, last - first + 1, place.col_span))
    return Grid(edges, grid.cols, tile(places, len(edges) - 1, len(grid.cols) - 1))


def _reach(grid: Grid, place: Place, between: Sequence[Word]) -> Band:
    """From the middle of the place's first row to the middle of its last, or the extent of words between two rows."""
    if between:
        return extent(between)
    last = place.row + place.row_span - 1
    return (grid.rows[place.row] + grid.rows[place.row + 1]) / 2, (grid.rows[last] + grid.rows[last + 1]) / 2


def without_empty_bands(grid: Grid, words: Sequence[Word]) -> Grid:
    """Removes rows and columns in which no cell with words starts, and shrinks the spans over them."""
    filled = [place for place, held in fill(grid, words).items() if held]
    rows = sorted({place.row for place in filled})
    cols = sorted({place.col for place in filled})
    places = [
        Place(
            sum(row < place.row for row in rows),
            sum(col < place.col for col in cols),
            sum(place.row <= row < place.row + place.row_span for row in rows),
            sum(place.col <= col < place.col + place.col_span for col in cols),
        )
        for place in grid.places
    ]
    return Grid(
        rows=(*(grid.rows[row] for row in rows), grid.rows[-1]),
        cols=(*(grid.cols[col] for col in cols), grid.cols[-1]),
        places=tile((place for place in places if place.row_span and place.col_span), len(rows), len(cols)),
    )


def header_rows(grid: Grid) -> int:
    """The number of header rows: titles over all columns, and the first row below them with its spans."""
    rows = len(grid.rows) - 1
    titles = next((row for row in range(rows) if not _is_title(grid, row)), 0)
    first = [place for place in grid.places if place.row == titles]
    grouped = any(place.col_span > 1 for place in first)
    return min(titles + max([2 if grouped else 1, *(place.row_span for place in first)]), rows)


def _is_title(grid: Grid, row: int) -> bool:
    return any(place.row == row and 1 < place.col_span == len(grid.cols) - 1 for place in grid.places)

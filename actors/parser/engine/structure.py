"""From a predicted structure and the words of a table to its grid. Pure; lengths in page points, top-left origin."""

from collections.abc import Sequence
from statistics import median

from actors.parser.engine.grid import Grid, Place, Word, edges_between, fill, tile
from actors.parser.engine.slanet import PredictedCell


def grid_from_prediction(cells: Sequence[PredictedCell], words: Sequence[Word]) -> Grid:
    """The predicted rows and columns, with edges moved between the words and rows or columns without words left out."""
    rows = max(cell.row + cell.row_span for cell in cells)
    cols = max(cell.col + cell.col_span for cell in cells)
    row_bands = _bands(rows, [(c.row, c.row_span, c.box.top, c.box.bottom) for c in cells])
    col_bands = _bands(cols, [(c.col, c.col_span, c.box.left, c.box.right) for c in cells])
    grid = Grid(
        rows=edges_between(row_bands, [(word.box.top, word.box.bottom) for word in words]),
        cols=edges_between(col_bands, [(word.box.left, word.box.right) for word in words]),
        places=tile((Place(c.row, c.col, c.row_span, c.col_span) for c in cells), rows, cols),
    )
    return without_empty_bands(grid, words)


def _bands(count: int, extents: Sequence[tuple[int, int, float, float]]) -> list[tuple[float, float]]:
    """Median extent of each row or column over its cells that span nothing; one without such cells is interpolated."""
    known: dict[int, tuple[float, float]] = {}
    for index in range(count):
        lows = [low for start, span, low, _ in extents if start == index and span == 1]
        highs = [high for start, span, _, high in extents if start == index and span == 1]
        if lows:
            known[index] = (median(lows), median(highs))
    for index in range(count):
        if index not in known:
            low, high = next((low, high) for s, span, low, high in extents if s <= index < s + span)
            known[index] = (low, high)
    bands = [known[index] for index in range(count)]
    return sorted(bands, key=sum)


def without_empty_bands(grid: Grid, words: Sequence[Word]) -> Grid:
    """The grid without rows and columns in which no word's cell starts; spans shrink with them."""
    filled = [place for place, held in fill(grid, words).items() if held]
    rows = sorted({place.row for place in filled})
    cols = sorted({place.col for place in filled})
    if not rows or not cols:
        return grid
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
    """How many rows from the top are headers: the first, and those that its spanning cells take in."""
    first = [place for place in grid.places if place.row == 0]
    deepest = max((place.row_span for place in first), default=0)
    grouped = any(1 < place.col_span < len(grid.cols) - 1 for place in first)
    return min(max(deepest, 2 if grouped else 1), len(grid.rows) - 1)

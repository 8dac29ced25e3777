"""Tables as geometry: the cells of a grid and their words. Pure; lengths in points from the top left corner."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from actors.parser.bundled.bidi import reordered
from actors.parser.bundled.geometry import Box, Word


@dataclass(frozen=True)
class Place:
    """A cell's position: its first row and column, and how many rows and columns it covers."""

    row: int
    col: int
    row_span: int = 1
    col_span: int = 1


@dataclass(frozen=True)
class Grid:
    """The edges of the rows (top to bottom) and columns (left to right). The places cover the grid without overlaps."""

    rows: tuple[float, ...]
    cols: tuple[float, ...]
    places: tuple[Place, ...]

    def box(self, place: Place) -> Box:
        return Box(
            self.cols[place.col],
            self.rows[place.row],
            self.cols[place.col + place.col_span],
            self.rows[place.row + place.row_span],
        )

    def owners(self) -> dict[tuple[int, int], Place]:
        """The place at each (row, column)."""
        return {
            (row, col): place
            for place in self.places
            for row in range(place.row, place.row + place.row_span)
            for col in range(place.col, place.col + place.col_span)
        }


def fill(grid: Grid, words: Iterable[Word]) -> dict[Place, list[Word]]:
    """Puts every word into exactly one place: the one at its centre, or the nearest if it is outside the grid."""
    owners = grid.owners()
    filled: dict[Place, list[Word]] = {place: [] for place in grid.places}
    for word in words:
        x, y = word.box.center
        filled[owners[bisect_right(grid.rows[1:-1], y), bisect_right(grid.cols[1:-1], x)]].append(word)
    return filled


def lines_of(words: Iterable[Word]) -> list[list[Word]]:
    """Groups words into lines from top to bottom, each from left to right."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        middle = word.box.center[1]
        if lines and median(other.box.top for other in lines[-1]) < middle < median(o.box.bottom for o in lines[-1]):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.box.left) for line in lines]


def text_of(words: Iterable[Word]) -> str:
    """The words in reading order, as one line of text."""
    return " ".join(word.text for line in lines_of(words) for word in reordered(line, lambda word: word.text))


def tile(places: Iterable[Place], rows: int, cols: int) -> tuple[Place, ...]:
    """Places that cover the whole grid: of overlapping places the first stays, and free cells get a place each."""
    free = {(row, col) for row in range(rows) for col in range(cols)}
    kept = []
    for place in places:
        covered = {
            (row, col)
            for row in range(place.row, place.row + place.row_span)
            for col in range(place.col, place.col + place.col_span)
        }
        if covered <= free:
            kept.append(place)
            free -= covered
    kept.extend(Place(row, col) for row, col in free)
    return tuple(sorted(kept, key=lambda place: (place.row, place.col)))


def edges_between(bands: Sequence[tuple[float, float]], intervals: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The outer edges, and edges between neighbouring bands (low, high) that cut the intervals as little as possible.

    The bands are in order. They are predictions, so they may be wrong by half a band.
    """
    centers = [(low + high) / 2 for low, high in bands]
    cuts = [
        best_cut(left, right, (bands[i][1] + bands[i + 1][0]) / 2, intervals)
        for i, (left, right) in enumerate(pairwise(centers))
    ]
    low = min([bands[0][0], *(start for start, _ in intervals)])
    high = max([bands[-1][1], *(end for _, end in intervals)])
    return (low, *cuts, high)


def best_cut(left: float, right: float, guess: float, intervals: Sequence[tuple[float, float]]) -> float:
    """The middle of the best gap between `left` and `right`."""
    near = [(low, high) for low, high in intervals if high > left and low < right]
    stops = sorted({left, right, *(x for pair in near for x in pair if left < x < right)})
    gaps = [(a, b) for a, b in pairwise(stops) if b > a]

    def cost(gap: tuple[float, float]) -> float:
        middle = (gap[0] + gap[1]) / 2
        cut = sum(min(middle - low, high - middle) for low, high in near if low < middle < high)
        distance = max(gap[0] - guess, guess - gap[1], 0.0)
        return cut + 0.1 * distance - 0.05 * min(gap[1] - gap[0], 20.0)

    best = min(gaps, key=cost, default=(guess, guess))
    return (best[0] + best[1]) / 2

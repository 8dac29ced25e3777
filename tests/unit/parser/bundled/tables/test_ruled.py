"""Rules into a grid, and the drawings that aren't believed."""

from __future__ import annotations

from collections.abc import Iterable

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.tables.grid import Place
from actors.parser.bundled.tables.ruled import ruled_grid
from tests.unit.parser.bundled.tables.words import rows

WORDS = rows(("Name", "Size"), ("oak", "12"), ("elm", "9"), top=5, lefts=(5, 105))


def across(*heights: float, left: float = 0, right: float = 200) -> list[Box]:
    return [Box(left, y, right, y + 1) for y in heights]


def down(*lefts: float, top: float = 0, bottom: float = 60) -> list[Box]:
    return [Box(x, top, x + 1, bottom) for x in lefts]


def spans(places: Iterable[Place]) -> list[Place]:
    return [place for place in places if place.row_span * place.col_span > 1]


def test_a_full_drawing_is_the_grid() -> None:
    grid = ruled_grid(across(0, 20, 40, 60), down(0, 100, 200), WORDS)
    assert grid is not None
    assert len(grid.places) == 6
    assert spans(grid.places) == []


def test_cells_without_a_rule_between_them_are_one() -> None:
    vertical = [*down(0, 200), *down(100, top=20)]
    grid = ruled_grid(across(0, 20, 40, 60), vertical, WORDS)
    assert grid is not None
    assert spans(grid.places) == [Place(0, 0, 1, 2)]


def test_a_span_over_rows_is_seen_where_a_rule_stops_short() -> None:
    horizontal = [*across(0, 20, 60), *across(40, left=100)]
    grid = ruled_grid(horizontal, down(0, 100, 200), WORDS)
    assert grid is not None
    assert spans(grid.places) == [Place(1, 0, 2, 1)]


def test_a_table_open_at_its_sides_ends_with_its_words() -> None:
    grid = ruled_grid(across(0, 20, 40, 60), down(100), WORDS)
    assert grid is not None
    assert (len(grid.rows), len(grid.cols)) == (4, 3)


def test_rules_a_little_apart_are_one() -> None:
    grid = ruled_grid(across(0, 20, 21.5, 40, 60), down(0, 100, 200), WORDS)
    assert grid is not None
    assert len(grid.rows) == 4


def test_a_drawing_that_leaves_corners_open_is_none() -> None:
    horizontal = [*across(0, 60), *across(20, left=100), *across(40, right=100)]
    vertical = [*down(0, 200), *down(100, top=20, bottom=40)]
    assert ruled_grid(horizontal, vertical, WORDS) is None


def test_strokes_of_letters_and_underlines_are_no_rules() -> None:
    underline = Box(5, 36, 19, 36.5)
    stroke = Box(108, 26, 109, 34)
    grid = ruled_grid([*across(0, 20, 40, 60), underline], [*down(0, 100, 200), stroke], WORDS)
    assert grid is not None
    assert len(grid.places) == 6


def test_rows_without_rules_between_them_are_not_taken_for_one() -> None:
    assert ruled_grid(across(0, 20, 60), down(0, 100, 200), WORDS) is None


def test_pairs_of_lines_between_rules_are_rows_as_drawn() -> None:
    pairs = [("oak", "12"), ("elm", "9"), ("ash", "7"), ("yew", "5")]
    words = rows(("Name", "Size"), *pairs, top=5, lefts=(5, 105))
    grid = ruled_grid(across(0, 20, 60, 100), down(0, 100, 200, bottom=100), words)
    assert grid is not None
    assert len(grid.rows) == 4


def test_a_wrapped_text_beside_single_lines_stays_one_row() -> None:
    words = rows(("Name", "Note"), ("oak", "hard"), ("", "wood"), ("elm", "soft"), top=5, lefts=(5, 105))
    grid = ruled_grid(across(0, 20, 60, 80), down(0, 100, 200, bottom=80), words)
    assert grid is not None
    assert len(grid.rows) == 4


def test_columns_without_rules_between_them_are_not_taken_for_one() -> None:
    words = rows(("Name", "Low", "High"), ("oak", "1", "12"), ("elm", "2", "9"), top=5, lefts=(5, 105, 160))
    assert ruled_grid(across(0, 20, 40, 60), down(0, 100, 200), words) is None


def test_horizontal_rules_alone_are_no_grid() -> None:
    assert ruled_grid(across(0, 20, 40, 60), [], WORDS) is None

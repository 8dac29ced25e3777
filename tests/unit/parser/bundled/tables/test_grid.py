"""Words into places: each into one, none lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.tables.grid import Grid, Place, edges_between, fill, text_of, tile
from tests.unit.parser.bundled.tables.words import phrase

GRID = Grid((0, 20, 40), (0, 100, 200), tile([Place(0, 0, 1, 2)], 2, 2))

spots = st.builds(lambda x, y: Word("w", Box(x, y, x + 20, y + 10)), st.integers(-300, 500), st.integers(-300, 300))
spans = st.builds(Place, st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3))


def test_a_word_goes_to_the_place_under_its_centre() -> None:
    (word,) = phrase("low", 110, 25)
    assert fill(GRID, [word])[Place(1, 1)] == [word]


def test_a_word_over_a_span_goes_to_the_span() -> None:
    (word,) = phrase("title", 120, 5)
    assert fill(GRID, [word])[Place(0, 0, 1, 2)] == [word]


@given(st.lists(spots), st.lists(spans))
def test_every_word_lands_in_exactly_one_place(words: list[Word], places: list[Place]) -> None:
    grid = Grid((0, 20, 40, 60), (0, 50, 100, 150), tile(places, 3, 3))
    held = [word for words in fill(grid, words).values() for word in words]
    assert Counter(held) == Counter(words)


@given(st.lists(spans))
def test_places_tile_the_table_without_overlap(places: list[Place]) -> None:
    covered = [
        (row, col)
        for place in tile(places, 3, 3)
        for row in range(place.row, place.row + place.row_span)
        for col in range(place.col, place.col + place.col_span)
    ]
    assert sorted(covered) == [(row, col) for row in range(3) for col in range(3)]


def test_of_overlapping_places_the_first_is_kept() -> None:
    assert tile([Place(0, 0, 2, 1), Place(0, 0, 1, 2)], 2, 2) == (Place(0, 0, 2, 1), Place(0, 1), Place(1, 1))


def test_text_reads_line_by_line_from_the_left() -> None:
    words = [*phrase("second line", 0, 12), *phrase("first line", 0, 0)]
    assert text_of(reversed(words)) == "first line second line"


def test_text_of_a_right_to_left_script_reads_from_the_right() -> None:
    words = [*phrase("שלוש 20 Blue Tables שתיים אחת", 0, 0), *phrase("ארבע", 20, 12)]
    assert text_of(words) == "אחת שתיים Blue Tables 20 שלוש ארבע"


def test_words_of_another_script_keep_their_order_in_a_line() -> None:
    assert text_of(phrase("says שתיים אחת and 20 30", 0, 0)) == "says אחת שתיים and 20 30"
    assert text_of(phrase("30 20", 0, 0)) == "30 20"


def test_raised_words_stay_on_their_line() -> None:
    assert text_of([*phrase("m", 0, 2), *phrase("2", 6, 0), *phrase("of land", 12, 2)]) == "m 2 of land"


def test_an_edge_moves_off_the_words_into_the_gap() -> None:
    assert edges_between([(0, 60), (60, 100)], [(0, 40), (50, 100)]) == (0, 45, 100)


def test_an_edge_between_touching_words_cuts_as_little_as_it_can() -> None:
    _, cut, _ = edges_between([(0, 50), (50, 100)], [(0, 52), (51, 100)])
    assert 51 <= cut <= 52

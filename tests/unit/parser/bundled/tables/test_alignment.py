"""What the spacing of words says about rows and columns."""

from __future__ import annotations

import pytest

from actors.parser.bundled.geometry import Word
from actors.parser.bundled.tables.alignment import (
    beside_two_lines,
    column_gaps,
    is_number,
    parts_phrases,
    phrases,
    row_bands,
)
from actors.parser.bundled.tables.grid import Grid, text_of, tile
from tests.unit.parser.bundled.tables.words import phrase, rows


def read(words: list[Word], *, expected: int, rules: tuple[float, ...] = ()) -> list[str]:
    """Rows of the words when `expected` rows of one height were predicted."""
    bottom = max(word.box.bottom for word in words)
    edges = tuple(bottom * number / expected for number in range(expected + 1))
    grid = Grid(edges, (0, 95, 195), tile((), expected, 2))
    return [text_of(row) for row in row_bands(words, grid, rules)]


@pytest.mark.parametrize("text", ["12", "1,204.5", "(611)", "-3.6%", "$4.20", "−7", "1 204"])
def test_numbers_are_recognised(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["A-100", "Q1", "12 bolts", "", "-"])
def test_words_with_digits_are_no_numbers(text: str) -> None:
    assert not is_number(text)


def test_a_gap_through_all_lines_parts_columns() -> None:
    assert column_gaps(rows(("red oak", "12"), ("elm", "9"), ("ash", "7"))) == [(32.5, 100)]


def test_spaces_between_words_part_no_columns() -> None:
    assert column_gaps([word for top in (0, 20, 40) for word in phrase("two words", 0, top)]) == []


def test_one_title_across_a_gap_does_not_close_it() -> None:
    words = rows(*[("oak", "12")] * 8) + phrase("a title that runs over both of them", 0, -20)
    assert len(column_gaps(words)) == 1


def test_phrases_part_where_a_cell_ends() -> None:
    line = [*phrase("net stock", 0, 0), *phrase("left", 60, 0)]
    assert [text_of(part) for part in phrases(line)] == ["net stock", "left"]


def test_an_edge_through_phrases_is_told_from_one_between_columns() -> None:
    words = [word for top in (0, 20, 40) for word in phrase("south rate", 0, top)] + rows(("", "7"))
    assert parts_phrases(26, words)
    assert not parts_phrases(80, words)


def test_lines_that_all_differ_are_rows() -> None:
    words = rows(("oak", "12"), ("elm", "9"), ("ash", "7"))
    assert read(words, expected=2) == ["oak 12", "elm 9", "ash 7"]


def test_lines_closer_than_the_rest_are_one_row() -> None:
    words = rows(("oak", "hard"), ("", "wood"), step=11) + rows(("elm", "soft"), ("", "wood"), step=11, top=40)
    assert read(words, expected=2) == ["oak hard wood", "elm soft wood"]


def test_numbers_are_never_stacked_in_a_row() -> None:
    words = rows(("oak", "12"), ("elm", "9"), step=11) + rows(("ash", "7"), ("yew", "5"), step=11, top=40)
    assert len(read(words, expected=2)) == 4


def test_wrapped_texts_of_even_spacing_follow_the_prediction() -> None:
    words = rows(("oak", "hard"), ("tree", "wood"), ("elm", "soft"), ("tree", "wood"))
    assert read(words, expected=2) == ["oak hard tree wood", "elm soft tree wood"]


def test_a_prediction_that_misses_a_few_rows_is_a_miscount() -> None:
    words = rows(*[("oak", "hard")] * 10)
    assert len(read(words, expected=9)) == 10


def test_a_line_that_adds_nothing_new_goes_on_with_the_row_above() -> None:
    words = rows(("oak", "hard"), ("", "wood"), ("elm", "soft"), ("", "wood"))
    assert read(words, expected=2) == ["oak hard wood", "elm soft wood"]


def test_a_line_with_a_first_cell_or_a_number_begins_a_row() -> None:
    words = rows(("oak", "hard"), ("elm", ""), ("ash", "soft"), ("", "7"))
    assert len(read(words, expected=3)) == 4


def test_lines_between_two_rules_are_one_row_when_that_is_expected() -> None:
    words = rows(("oak", "12"), ("", "13"), ("elm", "9"), ("", "8"))
    assert read(words, expected=2, rules=(35.0,)) == ["oak 12 13", "elm 9 8"]


def test_a_text_centred_beside_two_lines_joins_them() -> None:
    words = rows(("", "hard"), ("", "wood"), step=12) + phrase("oak", 0, 6)
    assert read(words, expected=1) == ["hard oak wood"]


def test_titles_beside_two_lines_of_titles_are_found() -> None:
    side = phrase("Name", 0, 8)
    words = rows(("", "Time"), ("", "train"), step=16) + side
    assert beside_two_lines(words, (0, 95, 195)) == set(side)


def test_titles_above_each_other_are_not_beside() -> None:
    words = rows(("Name", ""), ("of", "Time"), ("tree", ""), step=9)
    assert beside_two_lines(words, (0, 95, 195)) == set()

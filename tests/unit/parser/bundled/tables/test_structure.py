"""A predicted structure is corrected by where the words stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.tables.grid import Grid, Place, fill, text_of, tile
from actors.parser.bundled.tables.slanet import PredictedCell, read_structure
from actors.parser.bundled.tables.structure import grid_from_prediction, header_rows
from tests.unit.parser.bundled.tables.words import phrase, rows

MODEL_TAGS = ("<tr>", "</tr>", "<td></td>", "<td", ' rowspan="2"', ' colspan="3"', ">", "</td>", "<tbody>")
LEFTS = (0, 100, 200, 300)


def predicted(count: int, cols: int, *spans: Place, width: float = 100) -> list[PredictedCell]:
    """A regular prediction: rows of twenty points, columns of `width`."""
    return [
        PredictedCell(
            p.row,
            p.col,
            p.row_span,
            p.col_span,
            Box(p.col * width, p.row * 20, (p.col + p.col_span) * width - 40, (p.row + p.row_span) * 20 - 8),
        )
        for p in tile(spans, count, cols)
    ]


def texts(grid: Grid, words: Sequence[Word]) -> list[list[str]]:
    """The text of each row's places from the left."""
    filled = fill(grid, words)
    return [[text_of(filled[p]) for p in grid.places if p.row == row] for row in range(len(grid.rows) - 1)]


def spans(grid: Grid) -> list[Place]:
    return [place for place in grid.places if place.row_span * place.col_span > 1]


def test_rows_and_columns_without_words_are_left_out() -> None:
    words = rows(("oak", "", "12"), ("elm", "", "9"))
    assert texts(grid_from_prediction(predicted(4, 3), words, []), words) == [["oak", "12"], ["elm", "9"]]


def test_a_column_that_the_prediction_missed_is_added() -> None:
    words = rows(("oak", "12", "tall"), ("elm", "9", "low"), ("ash", "7", "low"))
    grid = grid_from_prediction(predicted(3, 2, width=150), words, [])
    assert texts(grid, words) == [["oak", "12", "tall"], ["elm", "9", "low"], ["ash", "7", "low"]]


def test_an_edge_through_phrases_is_dropped() -> None:
    words = [word for top in (0, 20, 40) for word in phrase("hard oak", 0, top)] + rows(*[("", "12")] * 3)
    cells = [
        PredictedCell(row, col, 1, 1, Box(left, row * 20, left + 15, row * 20 + 10))
        for row in range(3)
        for col, left in enumerate((0, 22, 100))
    ]
    assert texts(grid_from_prediction(cells, words, []), words) == [["hard oak", "12"]] * 3


def test_a_row_that_the_prediction_missed_is_added() -> None:
    words = rows(("oak", "12"), ("elm", "9"), ("ash", "7"), step=10)
    assert texts(grid_from_prediction(predicted(2, 2), words, []), words) == [["oak", "12"], ["elm", "9"], ["ash", "7"]]


def test_a_predicted_span_is_kept() -> None:
    title = phrase("Time in seconds", 130, 0)
    words = [*title, *rows(("Name", "train", "test"), ("oak", "12", "3"), top=20)]
    grid = grid_from_prediction(predicted(3, 3, Place(0, 1, 1, 2)), words, [])
    assert spans(grid) == [Place(0, 1, 1, 2)]


def test_a_span_over_separate_titles_is_parted() -> None:
    words = rows(("Name", "Size", "Age"), ("oak", "12", "3"))
    grid = grid_from_prediction(predicted(2, 3, Place(0, 0, 1, 3)), words, [])
    assert texts(grid, words) == [["Name", "Size", "Age"], ["oak", "12", "3"]]


def test_a_title_goes_to_the_columns_it_is_centred_over() -> None:
    words = [*rows(("Name",), ("oak", "12", "3", "7"), ("elm", "9", "4", "8")), *phrase("Seconds", 190, 0)]
    grid = grid_from_prediction(predicted(3, 4, Place(0, 0, 1, 4)), words, [])
    assert Place(0, 1, 1, 3) in spans(grid)


def test_a_span_that_a_rule_crosses_is_dropped() -> None:
    words = rows(("Name", "Size"), ("oak", "12"))
    cells = predicted(2, 2, Place(0, 1, 2, 1))
    assert spans(grid_from_prediction(cells, words, [])) != []
    assert spans(grid_from_prediction(cells, words, [Box(0, 14, 200, 15)])) == []


def test_a_title_beside_two_lines_of_titles_spans_both() -> None:
    words = [*phrase("Name", 0, 8), *rows(("", "Time"), ("", "train"), ("oak", "12"), step=16)]
    grid = grid_from_prediction(predicted(3, 2), words, [])
    assert spans(grid) == [Place(0, 0, 2, 1)]


word_lists = st.lists(
    st.builds(
        lambda text, x, y: Word(text, Box(x, y, x + 5 * len(text), y + 10)),
        st.text("ab1", min_size=1, max_size=8),
        st.integers(-20, 420),
        st.integers(-20, 120),
    ),
    min_size=1,
    max_size=30,
)
predicted_spans = st.lists(
    st.builds(Place, st.integers(0, 4), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3)), max_size=5
)


@given(word_lists, predicted_spans)
def test_whatever_is_predicted_no_word_is_lost_or_doubled(words: list[Word], places: list[Place]) -> None:
    grid = grid_from_prediction(predicted(5, 4, *places), words, [])
    assert Counter(word for held in fill(grid, words).values() for word in held) == Counter(words)
    assert list(grid.rows) == sorted(grid.rows)
    assert list(grid.cols) == sorted(grid.cols)


@given(word_lists, st.lists(st.sampled_from(MODEL_TAGS)), st.randoms(use_true_random=False))
def test_whatever_tags_a_model_gives_make_a_grid(words: list[Word], tags: list[str], chance: Random) -> None:
    boxes = [[chance.uniform(0, 400) for _ in range(4)] for _ in tags]
    cells = read_structure(tags, boxes)
    if cells:
        grid = grid_from_prediction(cells, words, [])
        assert Counter(word for held in fill(grid, words).values() for word in held) == Counter(words)


def test_the_first_row_is_the_header() -> None:
    assert header_rows(Grid((0, 1, 2, 3), (0, 1, 2), tile((), 3, 2))) == 1


def test_a_header_reaches_as_deep_as_its_spans() -> None:
    assert header_rows(Grid((0, 1, 2, 3), (0, 1, 2), tile([Place(0, 0, 2, 1)], 3, 2))) == 2


def test_titles_of_column_groups_take_the_titles_below_into_the_header() -> None:
    assert header_rows(Grid((0, 1, 2, 3), (0, 1, 2, 3), tile([Place(0, 1, 1, 2)], 3, 3))) == 2


@pytest.mark.parametrize(
    ("places", "headers"),
    [
        ((Place(0, 0, 2, 2), Place(2, 0), Place(2, 1)), 2),
        ((Place(0, 0, 2, 2),), 2),
        ((Place(0, 0, 1, 2), Place(1, 0, 2, 2)), 3),
    ],
)
def test_titles_over_several_rows_are_header_rows(places: tuple[Place, ...], headers: int) -> None:
    rows = max(place.row + place.row_span for place in places)
    assert header_rows(Grid(tuple(range(rows + 1)), (0, 1, 2), places)) == headers


def test_a_title_over_the_whole_table_comes_before_the_header() -> None:
    assert header_rows(Grid((0, 1, 2, 3), (0, 1, 2), tile([Place(0, 0, 1, 2)], 3, 2))) == 2

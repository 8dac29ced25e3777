"""The model's tags into cells."""

from __future__ import annotations

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.tables.slanet import PredictedCell, read_structure

CELL = ["<td></td>"]


def places(tags: list[str]) -> list[tuple[int, int, int, int]]:
    cells = read_structure(tags, [(0.0, 0.0, 1.0, 1.0)] * len(tags))
    return [(cell.row, cell.col, cell.row_span, cell.col_span) for cell in cells]


def test_cells_are_counted_row_by_row() -> None:
    tags = ["<tr>", *CELL * 2, "</tr>", "<tr>", *CELL * 2, "</tr>"]
    assert places(tags) == [(0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)]


def test_a_span_over_rows_pushes_the_cells_below_it() -> None:
    tags = ["<tr>", "<td", ' rowspan="2"', ' colspan="3"', ">", "</td>", *CELL, "</tr>", "<tr>", *CELL, "</tr>"]
    assert places(tags) == [(0, 0, 2, 3), (0, 3, 1, 1), (1, 3, 1, 1)]


def test_an_empty_row_is_none_unless_a_span_is_all_there_is_in_it() -> None:
    assert places(["<tr>", "</tr>", "<tr>", "</tr>", "<tr>", *CELL, "</tr>"]) == [(0, 0, 1, 1)]
    tags = ["<tr>", "<td", ' rowspan="2"', ">", "</td>", "</tr>", "<tr>", "</tr>", "<tr>", *CELL, "</tr>"]
    assert places(tags) == [(0, 0, 2, 1), (2, 0, 1, 1)]


def test_each_cell_has_the_box_beside_its_opening_tag() -> None:
    tags = ["<tr>", "<td", ' colspan="2"', ">", "</td>", "</tr>"]
    boxes = [(float(n), 0.0, float(n) + 1, 1.0) for n in range(len(tags))]
    assert read_structure(tags, boxes) == [PredictedCell(0, 0, 1, 2, Box(1, 0, 2, 1))]


def test_nothing_is_read_after_the_end() -> None:
    assert places(["<tr>", *CELL, "eos", "<tr>", *CELL]) == [(0, 0, 1, 1)]


def test_an_empty_prediction_has_no_cells() -> None:
    assert places(["eos"]) == []

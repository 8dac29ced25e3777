"""The table model on PDFs made here, and on a page of the corpus where that is at hand; the tables' boxes are given."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from benchmarks.made_tables import MADE_TABLES, MadeTable, pdf_of
from tests.corpus import CORPUS

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter
    from docling_core.types.doc.items.table.table_data import TableData

pytestmark = pytest.mark.models

CORPUS_PAGE = CORPUS / "2305.03393v1-pg9.pdf"
CORPUS_BOX = (133.0, 336.0, 482.0, 474.0)  # points from the top left
PRINTED = [made for made in MADE_TABLES if not made.scanned]
SCANNED = [made for made in MADE_TABLES if made.scanned]


@pytest.fixture(scope="module")
def converter() -> DocumentConverter:
    from benchmarks.tables import KnownBoxPipeline, bundled_converter

    return bundled_converter(KnownBoxPipeline)


def table_of(converter: DocumentConverter, pdf: bytes, box: tuple[float, float, float, float]) -> TableData:
    from docling.datamodel.base_models import DocumentStream

    from benchmarks.tables import KnownBox

    KnownBox.box = box
    (table,) = converter.convert(DocumentStream(name="made.pdf", stream=BytesIO(pdf))).document.tables
    return table.data


def rows_of(data: TableData) -> list[list[str]]:
    """Every row's texts; a spanning cell's text stands in each place that it covers."""
    return [[cell.text for cell in row] for row in data.grid]


@pytest.mark.parametrize("made", PRINTED, ids=lambda made: made.name)
def test_a_printed_table_is_read_exactly(made: MadeTable, converter: DocumentConverter) -> None:
    from benchmarks.made_tables import box_of

    data = table_of(converter, pdf_of(made), box_of(made))
    assert (data.num_rows, data.num_cols) == (len(made.rows), len(made.rows[0]))
    assert {
        (cell.start_row_offset_idx, cell.start_col_offset_idx): (cell.row_span, cell.col_span, cell.text)
        for cell in data.table_cells
    } == made.cells
    assert {c.start_row_offset_idx for c in data.table_cells if c.column_header} == set(range(made.header_rows))


@pytest.mark.parametrize("made", SCANNED, ids=lambda made: made.name)
def test_a_scanned_table_has_its_shape_and_nearly_all_cells(made: MadeTable, converter: DocumentConverter) -> None:
    from benchmarks.made_tables import box_of
    from benchmarks.tables import score

    result = score(made, table_of(converter, pdf_of(made), box_of(made)))
    assert result.shape_right
    assert result.cells_right > 0.9


@pytest.mark.parametrize("shift", [(-3, -3, 3, 3), (2, 2, -2, -2), (4, 0, -4, 0)], ids=["wide", "narrow", "cut"])
def test_a_box_that_is_slightly_off_changes_nothing(
    shift: tuple[float, float, float, float], converter: DocumentConverter
) -> None:
    from benchmarks.made_tables import box_of

    for made in PRINTED[:3]:
        left, top, right, bottom = (side + by for side, by in zip(box_of(made), shift, strict=True))
        data = table_of(converter, pdf_of(made), (left, top, right, bottom))
        assert {(c.start_row_offset_idx, c.start_col_offset_idx): c.text for c in data.table_cells} == {
            place: text for place, (_, _, text) in made.cells.items()
        }


@pytest.mark.skipif(not CORPUS_PAGE.exists(), reason="the corpus is not beside the repository")
def test_the_table_of_the_corpus_page_has_its_rows_columns_and_spans(converter: DocumentConverter) -> None:
    assert rows_of(table_of(converter, CORPUS_PAGE.read_bytes(), CORPUS_BOX)) == [
        ["# enc-layers", "# dec-layers", "Language", "TEDs", "TEDs", "TEDs", "mAP (0.75)", "Inference time (secs)"],
        ["# enc-layers", "# dec-layers", "Language", "simple", "complex", "all", "mAP (0.75)", "Inference time (secs)"],
        ["6", "6", "OTSL HTML", "0.965 0.969", "0.934 0.927", "0.955 0.955", "0.88 0.857", "2.73 5.39"],
        ["4", "4", "OTSL HTML", "0.938 0.952", "0.904 0.909", "0.927 0.938", "0.853 0.843", "1.97 3.77"],
        ["2", "4", "OTSL HTML", "0.923 0.945", "0.897 0.901", "0.915 0.931", "0.859 0.834", "1.91 3.81"],
        ["4", "2", "OTSL HTML", "0.952 0.944", "0.92 0.903", "0.942 0.931", "0.857 0.824", "1.22 2"],
    ]


def test_a_table_without_text_is_one_empty_cell(converter: DocumentConverter) -> None:
    blank = MadeTable("blank", (("", ""), ("", "")))
    data = table_of(converter, pdf_of(blank), (100, 420, 300, 500))
    assert rows_of(data) == [[""]]

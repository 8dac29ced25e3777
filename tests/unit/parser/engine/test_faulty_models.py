"""A model that fails costs its own part of a page: the words stay, and a warning names the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from actors.messages import PageSpan, ParsedFile
from client.models import WarningCode
from tests.contract.split_documents import SENTENCE, ruled_table
from tests.unit.parser.files import as_document, make_pdf, make_task, parsed, texts
from tests.unit.parser.scans import PIXELS, pdf_of, picture_of

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page

    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

Model = Callable[..., Any]


def parsed_both_ways(engine: Engine, data: bytes, **options: Any) -> ParsedFile:
    """Whole, and once more page by page: both come out the same."""
    document, task = as_document(data), make_task(**options)
    whole = parsed(engine, task.filename, data, **options)
    shards = [engine.parse_pages(document, task, PageSpan(page, page)) for page in range(1, whole.pages + 1)]
    assert engine.assemble(document, task, shards, []) == whole
    return whole


def warnings(file: ParsedFile) -> list[tuple[str, int | None]]:
    return [(warning.code, warning.page_number) for warning in file.warnings]


def assert_no_word_lost(file: ParsedFile) -> None:
    assert file.parser.words_read
    assert (file.words_lost, file.lost) == (0, ())


def failing(model: Model, when: Callable[[Page], bool]) -> Model:
    """The model, but it raises when one of its pages is such a page."""

    def call(self: Any, result: Any, pages: Iterable[Page]) -> Any:
        pages = list(pages)
        if any(map(when, pages)):
            raise TypeError("'int' object is not iterable")
        return model(self, result, pages)

    return call


@pytest.fixture
def break_layout(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    from actors.parser.bundled.layout.layout_model import BundledLayoutModel as LayoutModel

    def on_page(number: int) -> None:
        broken = failing(LayoutModel.predict_layout, lambda page: page.page_no == number)
        monkeypatch.setattr(LayoutModel, "predict_layout", broken)

    return on_page


@pytest.fixture
def break_tables(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], bool]], None]:
    from actors.parser.bundled.tables.table_model import BundledTableModel as TableModel

    def that_are(bad: Callable[[Any], bool]) -> None:
        def has_bad_table(page: Page) -> bool:
            clusters = page.predictions.layout.clusters if page.predictions.layout else []
            return any(cluster.label == "table" and bad(cluster.bbox) for cluster in clusters)

        monkeypatch.setattr(TableModel, "predict_tables", failing(TableModel.predict_tables, has_bad_table))

    return that_are


def test_a_page_whose_layout_fails_is_plain_text(engines: list[Engine], break_layout: Callable[[int], None]) -> None:
    break_layout(2)
    file = parsed_both_ways(engines[0], make_pdf(3))
    assert texts(file) == [f"This is page {number}." for number in (1, 2, 3)]
    assert warnings(file) == [(WarningCode.LAYOUT_FAILED, 2)]
    assert_no_word_lost(file)


def test_a_scan_whose_layout_fails_is_read_all_the_same(
    engines: list[Engine], break_layout: Callable[[int], None]
) -> None:
    break_layout(1)
    file = parsed_both_ways(engines[0], pdf_of([picture_of(["Scanned words of 1999"])]))
    assert "Scanned words of 1999" in texts(file)[0]
    assert warnings(file) == [(WarningCode.LAYOUT_FAILED, 1)]


def test_regions_that_docling_cannot_process_are_plain_text(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    from docling.utils.layout_postprocessor import LayoutPostprocessor

    def fail(processor: LayoutPostprocessor) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LayoutPostprocessor, "postprocess", fail)
    file = parsed_both_ways(engines[0], make_pdf(2))
    assert texts(file) == ["This is page 1.", "This is page 2."]
    assert warnings(file) == [(WarningCode.LAYOUT_FAILED, 1), (WarningCode.LAYOUT_FAILED, 2)]


def test_a_scan_whose_rows_cannot_be_found_keeps_its_regions(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    from actors.parser.bundled.layout import second_look

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(second_look, "with_rows", fail)
    file = parsed_both_ways(engines[0], pdf_of([picture_of(["Scanned words of 1999"])]))
    assert "Scanned words of 1999" in texts(file)[0]
    assert warnings(file) == [(WarningCode.LAYOUT_FAILED, 1)]


def test_a_document_whose_reading_order_fails_is_read_from_the_top(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    from actors.parser.bundled.layout.reading_order import ReadingOrder

    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(ReadingOrder, "predict_reading_order", fail)
    file = parsed_both_ways(engines[0], ruled_table())
    (text,) = texts(file)
    assert text.find(SENTENCE.strip()) < text.index("Vessel 3") < text.rfind(SENTENCE.strip())
    assert warnings(file) == [(WarningCode.LAYOUT_FAILED, None)]
    assert_no_word_lost(file)


def test_a_table_that_fails_stays_as_text_in_its_place(
    engines: list[Engine], break_tables: Callable[[Callable[[Any], bool]], None]
) -> None:
    break_tables(lambda box: True)
    file = parsed_both_ways(engines[0], ruled_table())
    (text,) = texts(file)
    before, after = text.find(SENTENCE.strip()), text.rfind(SENTENCE.strip())
    assert before < text.index("Vessel 3") < text.index("111") < text.index("Vessel 4") < after
    assert orjson.loads(file.nodes)[0]["metadata"]["tables_json"] == "[]"
    assert warnings(file) == [(WarningCode.TABLE_FAILED, 1)]
    assert_no_word_lost(file)


def two_tables() -> bytes:
    out = BytesIO()
    canvas = Canvas(out, invariant=True)
    for top, name in ((750, "High"), (350, "Low")):
        for row in range(5):
            for column in range(3):
                canvas.rect(72 + 150 * column, top - 24 * row, 150, 24)
                canvas.drawString(80 + 150 * column, top + 8 - 24 * row, f"{name} {row} {column}")
    canvas.save()
    return out.getvalue()


def test_a_table_that_fails_costs_no_other_table(
    engines: list[Engine], break_tables: Callable[[Callable[[Any], bool]], None]
) -> None:
    break_tables(lambda box: box.t < 300)
    file = parsed_both_ways(engines[0], two_tables())
    (table,) = orjson.loads(orjson.loads(file.nodes)[0]["metadata"]["tables_json"])
    assert "Low 3 1" in [value for row in table for value in row.values()]
    assert texts(file)[0].index("High 4 2") < texts(file)[0].index("Low 0 0")
    assert warnings(file) == [(WarningCode.TABLE_FAILED, 1)]
    assert_no_word_lost(file)


def test_words_that_a_table_model_puts_into_no_cell_are_text(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    from actors.parser.bundled.tables.table_model import BundledTableModel

    predict = BundledTableModel.predict_tables

    def without_last_row(model: BundledTableModel, result: Any, pages: Any) -> Any:
        predictions = predict(model, result, pages)
        for table in predictions[0].table_map.values():
            table.table_cells = [cell for cell in table.table_cells if cell.start_row_offset_idx < table.num_rows - 1]
        return predictions

    monkeypatch.setattr(BundledTableModel, "predict_tables", without_last_row)
    file = parsed_both_ways(engines[0], ruled_table())
    outside = [line for line in texts(file)[0].splitlines() if not line.startswith("|")]
    assert {"Vessel", "9", "333", "Port", "4"} < set(" ".join(outside).split())
    assert_no_word_lost(file)


def test_a_page_whose_ocr_fails_keeps_its_text_layer(engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.parser.bundled.ocr.ocr_model import BundledOcrModel

    monkeypatch.setattr(BundledOcrModel, "__call__", failing(BundledOcrModel.__call__, lambda page: True))
    file = parsed_both_ways(engines[0], make_pdf(1))
    assert texts(file) == ["This is page 1."]
    assert warnings(file) == [(WarningCode.OCR_FAILED, 1)]
    assert_no_word_lost(file)


def test_a_picture_in_which_ocr_finds_nothing_says_so(engines: list[Engine]) -> None:
    sky = Image.linear_gradient("L").resize(PIXELS)
    file = parsed_both_ways(
        engines[0], pdf_of([picture_of(["Words on the first page"]), sky, Image.new("RGB", PIXELS)])
    )
    assert warnings(file) == [(WarningCode.NOTHING_READ, 2)]
    assert "not blank" in file.warnings[0].message


def test_a_picture_without_words_says_nothing_where_nobody_asked_for_ocr(engines: list[Engine]) -> None:
    sky = Image.linear_gradient("L").resize(PIXELS)
    assert parsed_both_ways(engines[0], pdf_of([sky]), do_ocr=False).warnings == ()

"""The whole pipeline with the bundled models, on documents made for one question each."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import pypdfium2
import pytest
from docling.datamodel.base_models import DocumentStream, InputFormat
from docling.document_converter import DocumentConverter, PdfFormatOption
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from actors.parser.engine.device import Hardware
from actors.parser.engine.options import recipe_of
from actors.parser.engine.pipelines import PdfPipeline
from actors.parser.engine.profiles import backend_options, pdf_options
from client.models import ParseOptions

pytestmark = pytest.mark.models

SENTENCE = "The harvest of the old orchard was larger than in any of the years before it"


def converter(*, ocr: bool) -> DocumentConverter:
    recipe = recipe_of(ParseOptions(do_ocr=ocr, do_table_structure=False), "bundled")
    hardware = Hardware(threads=1, device="cpu")
    options = PdfFormatOption(
        pipeline_cls=PdfPipeline,
        pipeline_options=pdf_options(recipe, hardware, None),
        backend_options=backend_options(recipe, hardware),
    )
    return DocumentConverter(format_options={InputFormat.PDF: options})


@pytest.fixture(scope="module")
def without_ocr() -> DocumentConverter:
    return converter(ocr=False)


@pytest.fixture(scope="module")
def with_ocr() -> DocumentConverter:
    return converter(ocr=True)


class Sheet:
    """A page to write on from the top down; lengths in points."""

    def __init__(self) -> None:
        self._buffer = BytesIO()
        self.canvas = Canvas(self._buffer, pagesize=A4, invariant=True)
        self.left, self.top = 72.0, 90.0

    def write(self, text: str, *, font: str = "Times-Roman", size: float = 11, gap: float = 0) -> None:
        self.top += gap
        self.canvas.setFont(font, size)
        self.canvas.drawString(self.left, A4[1] - self.top - size, text)
        self.top += 1.25 * size

    def prose(self, lines: Iterable[str], *, size: float = 11) -> None:
        for number, text in enumerate(lines):
            self.write(text, size=size, gap=0 if number else size)

    def turn(self) -> None:
        """Begin the next page."""
        self.canvas.showPage()
        self.top = 90.0

    def pdf(self) -> bytes:
        self.canvas.showPage()
        self.canvas.save()
        return self._buffer.getvalue()


def convert(converter: DocumentConverter, pdf: bytes) -> DoclingDocument:
    return converter.convert(DocumentStream(name="made.pdf", stream=BytesIO(pdf))).document


def texts(document: DoclingDocument, label: DocItemLabel) -> list[str]:
    return [item.text for item in document.texts if item.label is label]


def scanned(pdf: bytes) -> bytes:
    """The same page as a picture, as a scanner makes it."""
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil()
    return picture_page(picture)


def picture_page(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def article(pages: int = 1) -> bytes:
    """The same article on each page, under a running header with the page's number."""
    sheet = Sheet()
    for page in range(pages):
        if page:
            sheet.turn()
        write_article(sheet, 17 + page)
    return sheet.pdf()


def write_article(sheet: Sheet, number: int) -> None:
    sheet.canvas.setFont("Times-Roman", 9)
    sheet.canvas.drawString(72, A4[1] - 40, "Orchard Letters")
    sheet.canvas.drawString(520, A4[1] - 40, str(number))
    sheet.write("A year of apples", font="Times-Bold", size=20)
    sheet.prose([f"{SENTENCE}, row {number}." for number in range(6)])
    sheet.write("What to bring", font="Times-Bold", size=13, gap=14)
    sheet.prose(["The list is short, and everything on it is found in the shed behind the house:"])
    for thing in ("a ladder", "two baskets", "gloves"):
        sheet.write(f"• {thing}", gap=3)
    sheet.prose([f"{SENTENCE}, tree {number}." for number in range(6)])


def test_headings_lists_and_running_headers_are_told_apart(without_ocr: DocumentConverter) -> None:
    document = convert(without_ocr, article(pages=2))
    assert texts(document, DocItemLabel.SECTION_HEADER) == ["A year of apples", "What to bring"] * 2
    assert texts(document, DocItemLabel.LIST_ITEM) == ["a ladder", "two baskets", "gloves"] * 2
    markdown = document.export_to_markdown()
    assert "Orchard Letters" not in markdown
    assert "17" not in markdown
    assert markdown.count(SENTENCE) == 24


def test_a_header_of_one_page_alone_is_text(without_ocr: DocumentConverter) -> None:
    document = convert(without_ocr, article())
    assert "Orchard Letters" in texts(document, DocItemLabel.TEXT)
    assert texts(document, DocItemLabel.PAGE_HEADER) == ["17"]


def test_columns_are_read_one_after_the_other(without_ocr: DocumentConverter) -> None:
    sheet = Sheet()
    for left, name in ((72, "left"), (315, "right")):
        sheet.left, sheet.top = left, 90
        for part in range(3):
            sheet.prose([f"Apples of the {name} column, part {part}, line {row}" for row in range(8)], size=10)
    found = convert(without_ocr, sheet.pdf()).export_to_markdown()
    places = [
        found.index(f"{name} column, part {part}, line {row}")
        for name in ("left", "right")
        for part in range(3)
        for row in range(8)
    ]
    assert places == sorted(places)


def test_prose_in_a_frame_is_not_lost_in_a_picture(without_ocr: DocumentConverter) -> None:
    sheet = Sheet()
    sheet.canvas.rect(60, A4[1] - 300, 480, 220)
    sheet.prose([f"{SENTENCE}, row {number}." for number in range(10)])
    assert convert(without_ocr, sheet.pdf()).export_to_markdown().count(SENTENCE) == 10


def test_a_scanned_page_is_read(with_ocr: DocumentConverter) -> None:
    document = convert(with_ocr, scanned(article()))
    found = document.export_to_markdown().replace(" ", "")
    assert "Ayearofapples" in found
    assert found.count(SENTENCE.replace(" ", "")) >= 10


def test_a_scanned_table_that_looks_like_a_picture_is_read(with_ocr: DocumentConverter) -> None:
    sheet = Sheet()
    sheet.canvas.setFont("Helvetica", 14)
    for row in range(6):
        for column in range(3):
            sheet.canvas.rect(100 + 130 * column, 500 + 40 * row, 130, 40)
            sheet.canvas.drawString(112 + 130 * column, 514 + 40 * row, f"cell {row}{column}")
    found = convert(with_ocr, scanned(sheet.pdf())).export_to_markdown().replace(" ", "")
    assert all(f"cell{row}{column}" in found for row in range(6) for column in range(3))


def test_a_page_is_read_alike_whatever_pages_stand_beside_it(without_ocr: DocumentConverter) -> None:
    both = pypdfium2.PdfDocument.new()
    for pdf in (article(), scanned(article()), article()):
        both.import_pages(pypdfium2.PdfDocument(pdf))
    buffer = BytesIO()
    both.save(buffer)
    alone = labelled(convert(without_ocr, article()), 1)
    document = convert(without_ocr, buffer.getvalue())
    for page in (1, 3):
        assert labelled(document, page) == alone


def labelled(document: DoclingDocument, page: int) -> list[tuple[DocItemLabel, str]]:
    """The texts of a page but its running header, which is one by the evidence of other pages."""
    on_page = [item for item in document.texts if item.prov[0].page_no == page]
    return [(item.label, item.text) for item in on_page if item.text != "Orchard Letters"]

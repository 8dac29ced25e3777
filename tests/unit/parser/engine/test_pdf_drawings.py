"""PDFs whose pages are only drawn: as docling draws them, with less work."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

if TYPE_CHECKING:
    from docling.datamodel.document import InputDocument

SIZES = [(595.276, 841.89), (300, 200), (100.5, 60.4)]


@pytest.fixture(scope="module")
def document() -> bytes:
    """Pages of several sizes, each with text, lines and a photo."""
    photo = Image.fromarray(np.random.default_rng(3).integers(0, 256, (150, 150, 3), dtype=np.uint8), "RGB")
    out = BytesIO()
    canvas = Canvas(out)
    for number, size in enumerate(SIZES, 1):
        canvas.setPageSize(size)
        canvas.drawString(5, 10, f"This is page {number}.")
        canvas.line(0, 5, 90, 50)
        canvas.drawImage(ImageReader(photo), 40, 20, 30, 30)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def opened(data: bytes, reader: str = "drawings", pages: tuple[int, int] = (1, 100)) -> InputDocument:
    from docling.datamodel.backend_options import ThreadedDoclingParseBackendOptions
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.document import InputDocument
    from docling.datamodel.settings import DocumentLimits

    from actors.parser.engine.pdf import RenderedPdf
    from actors.parser.engine.pdf_drawings import PdfDrawings

    return InputDocument(
        path_or_stream=BytesIO(data),
        format=InputFormat.PDF,
        filename="a.pdf",
        backend=PdfDrawings if reader == "drawings" else RenderedPdf,
        backend_options=ThreadedDoclingParseBackendOptions(parser_threads=1),
        limits=DocumentLimits(page_range=pages),
    )


def pages_of(document: InputDocument) -> dict[int, Any]:
    backend: Any = document._backend
    pages = {page.page_no: page for page in backend.iter_pages()}
    backend.unload()
    return pages


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.73])
def test_pictures_are_those_of_docling(document: bytes, scale: float) -> None:
    ours, doclings = pages_of(opened(document)), pages_of(opened(document, "docling"))
    assert ours.keys() == doclings.keys() == {1, 2, 3}
    for number, page in ours.items():
        expected = doclings[number].get_page_image(scale)
        assert page.get_page_image(scale).convert("RGB").tobytes() == expected.tobytes()


def test_sizes_are_those_of_docling(document: bytes) -> None:
    ours, doclings = pages_of(opened(document)), pages_of(opened(document, "docling"))
    assert [page.get_size() for page in ours.values()] == [page.get_size() for page in doclings.values()]
    assert [page.pixels() for page in ours.values()] == [page.get_page_image(1.0).size for page in doclings.values()]


def test_range_of_pages_is_all_that_is_drawn(document: bytes) -> None:
    assert pages_of(opened(document, pages=(2, 3))).keys() == {2, 3}


def test_pages_that_nobody_took_do_not_come_with_the_next_document(document: bytes) -> None:
    backend: Any = opened(document)._backend
    next(backend.iter_pages())
    backend.unload()
    assert pages_of(opened(document, pages=(3, 3))).keys() == {3}


def test_two_documents_are_open_side_by_side(document: bytes) -> None:
    first, second = opened(document, pages=(1, 1)), opened(document, pages=(2, 2))
    assert [set(pages_of(each)) for each in (second, first)] == [{2}, {1}]


def test_page_that_is_too_large_has_its_reason(document: bytes) -> None:
    out = BytesIO()
    canvas = Canvas(out, pagesize=(9000, 9000))
    canvas.showPage()
    canvas.setPageSize((100, 100))
    canvas.showPage()
    canvas.save()
    large = opened(out.getvalue())
    backend: Any = large._backend
    assert backend.too_large == {1: "the page is too large to render: 9000 x 9000 points"}
    assert pages_of(large).keys() == {2}


def test_file_that_docling_cannot_load_is_refused(document: bytes) -> None:
    assert not opened(b"%PDF-1.4\nnothing").valid
    assert pages_of(opened(document)).keys() == {1, 2, 3}

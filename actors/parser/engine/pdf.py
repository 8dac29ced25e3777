"""Opens a PDF, counts its pages and looks at their sizes, without parsing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pypdfium2
from docling.backend.docling_parse_backend import (
    ThreadedDoclingParseDocumentBackend,
    ThreadedDoclingParsePageBackend,
)
from docling.backend.pdf_backend import PdfDocumentBackend, PdfPageBackend
from docling.datamodel.backend_options import PdfBackendOptions
from docling.datamodel.document import InputDocument
from docling_parse.pdf_parser import DoclingPdfParser
from pypdfium2.raw import FPDF_ERR_PASSWORD

from actors.errors import FileError
from actors.parser.engine import stopping
from client.models import ErrorCode

#: The largest page that is rendered: twice A0. OCR renders it with three pixels for each point of its sides, and each
#: pixel takes three bytes or more.
MAX_PAGE_POINTS = 17_000_000


def count_pages(data: bytes, password: str | None) -> int:
    """The number of pages of a PDF. Raises FileError when it is damaged, locked, or has no pages."""
    try:
        pypdfium2.PdfDocument(data, password=password).close()
    except pypdfium2.PdfiumError as error:
        _refuse(data, password, error)
    try:
        count = _count_in_tree(data, password)
    except (RuntimeError, ValueError) as error:
        raise _damaged() from error
    if count == 0:  # pdfium opens it, but docling finds no page of a size that it can take
        raise FileError(ErrorCode.NO_PAGES, "The PDF has no page that can be read")
    return count


def _refuse(data: bytes, password: str | None, error: pypdfium2.PdfiumError) -> NoReturn:
    if _has_no_pages(data, password):
        # pdfium does not open a document without pages, and reports the code of an earlier error.
        raise FileError(ErrorCode.NO_PAGES, "The PDF has no pages") from error
    if error.err_code != FPDF_ERR_PASSWORD:
        raise _damaged() from error
    if password is None:
        raise FileError(ErrorCode.PASSWORD_REQUIRED, "The PDF is encrypted and needs a password") from error
    raise FileError(ErrorCode.WRONG_PASSWORD, "The password does not open the PDF") from error


def _has_no_pages(data: bytes, password: str | None) -> bool:
    try:
        return _count_in_tree(data, password) == 0
    except (RuntimeError, ValueError):
        return False


def _count_in_tree(data: bytes, password: str | None) -> int:
    """The pages that docling finds. It walks the tree of pages; pdfium believes the number that the file declares."""
    return int(DoclingPdfParser(loglevel="fatal").load(BytesIO(data), password=password).number_of_pages())


def _damaged() -> FileError:
    return FileError(ErrorCode.INVALID_FILE, "The file is not a readable PDF: it is damaged or cut off")


class RenderedPdf(ThreadedDoclingParseDocumentBackend):
    """docling's reader, without the pages that are too large to render. docling reports those as failed.

    `too_large` has the reason for each such page. No page comes after a request to stop.
    """

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: PdfBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        first, last = in_doc.limits.page_range
        wanted = range(first, min(last, self.page_count()) + 1)
        password = password_of(self.options)
        self.too_large = measure(bytes_of(path_or_stream), password, wanted) if self._render_pages else {}
        if self.too_large:
            rest = [page for page in wanted if page not in self.too_large]
            self.parser.unload(self.doc_key)
            self.doc_key = self.parser.load(path_or_stream, password=password, page_numbers=rest)

    def iter_pages(self) -> Iterator[ThreadedDoclingParsePageBackend]:
        for page in super().iter_pages():
            if stopping.asked():
                page.unload()
                return
            yield page


def too_large_pages(document: InputDocument) -> dict[int, str]:
    """Why pages of a document were not rendered, by their number."""
    reasons: dict[int, str] = getattr(document._backend, "too_large", {})  # only the readers of PDFs have them
    return dict(reasons)


def measure(data: bytes, password: str | None, pages: Iterable[int]) -> dict[int, str]:
    """Why pages are too large to render, by their number. A page that pdfium cannot measure is left to docling."""
    reasons = {}
    with closing(pypdfium2.PdfDocument(data, password=password)) as pdf:
        for page in pages:
            with suppress(pypdfium2.PdfiumError):
                width, height = pdf.get_page_size(page - 1)
                if width * height > MAX_PAGE_POINTS:
                    reasons[page] = f"the page is too large to render: {width:.0f} x {height:.0f} points"
    return reasons


def attached_files(data: bytes, password: str | None, most: int) -> list[str]:
    """The names of the first files that are attached to a PDF, at most so many."""
    with suppress(pypdfium2.PdfiumError), closing(pypdfium2.PdfDocument(data, password=password)) as pdf:
        return [pdf.get_attachment(number).get_name() for number in range(min(most, pdf.count_attachments()))]
    return []


def bytes_of(document: BytesIO | Path) -> bytes:
    """The bytes of a document that a reader was given."""
    if isinstance(document, Path):
        raise TypeError("documents are handed over as bytes")
    return document.getvalue()


def password_of(options: PdfBackendOptions) -> str | None:
    """The password that a reader was given."""
    return options.password.get_secret_value() if options.password else None


class UnparsedPdf(PdfDocumentBackend):
    """A PDF that only knows its number of pages. Assembling parsed pages needs nothing else.

    docling's own backend starts to decode every page as soon as it opens the file.
    """

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: PdfBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        self._pages = count_pages(bytes_of(path_or_stream), password_of(self.options))

    def page_count(self) -> int:
        return self._pages

    def is_valid(self) -> bool:
        return self._pages > 0

    def load_page(self, page_no: int) -> PdfPageBackend:
        raise NotImplementedError("the pages were parsed elsewhere")

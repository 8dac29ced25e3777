"""Opens a PDF and counts its pages, without parsing them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pypdfium2
from docling.backend.pdf_backend import PdfDocumentBackend, PdfPageBackend
from docling.datamodel.backend_options import PdfBackendOptions
from docling.datamodel.document import InputDocument
from docling_parse.pdf_parser import DoclingPdfParser
from pypdfium2.raw import FPDF_ERR_PASSWORD

from actors.errors import FileError
from client.models import ErrorCode


def count_pages(data: bytes, password: str | None) -> int:
    """The number of pages of a PDF. Raises FileError when it is damaged, locked, or has no pages."""
    try:
        pypdfium2.PdfDocument(data, password=password).close()
    except pypdfium2.PdfiumError as error:
        _refuse(data, password, error)
    try:
        return _count_in_tree(data, password)
    except (RuntimeError, ValueError) as error:
        raise _damaged() from error


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


class UnparsedPdf(PdfDocumentBackend):
    """A PDF that only knows its number of pages. Assembling parsed pages needs nothing else.

    docling's own backend starts to decode every page as soon as it opens the file.
    """

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: PdfBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        if isinstance(path_or_stream, Path):
            raise TypeError("documents are handed over as bytes")
        password = self.options.password.get_secret_value() if self.options.password else None
        self._pages = count_pages(path_or_stream.getvalue(), password)

    def page_count(self) -> int:
        return self._pages

    def is_valid(self) -> bool:
        return self._pages > 0

    def load_page(self, page_no: int) -> PdfPageBackend:
        raise NotImplementedError("the pages were parsed elsewhere")

"""PDFs that are cut off, of which qpdf finds the objects that are left. pdfium and docling get over a wrong table of
objects, but not over a missing one (docs/fidelity.md has the numbers)."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pikepdf
import pypdfium2
from pypdfium2.raw import FPDF_ERR_PASSWORD

from actors.parser.engine.sniffing import Source
from client.models import FileWarning, WarningCode

_END_MARK = b"%%EOF"
_END_WITHIN = 2048  #: bytes; some programs write other things behind it


def repaired(source: Source, password: str | None) -> Source:
    """The PDF as it is, or a sound copy of what is left of a damaged one. One that was cut off gets a warning.

    A PDF that nothing is left of, or that is locked, stays as it is: whoever opens it says what is wrong.
    """
    opens = _opens(source.data, password)
    if opens and _END_MARK in source.data[-_END_WITHIN:]:
        return source
    copy = source.data if opens else _mended(source.data, password)
    if copy is None:
        return source
    message = "The PDF is damaged or cut off. What is left of it was read; pages and text may be missing"
    warning = FileWarning(code=WarningCode.PDF_REPAIRED, message=message)
    return replace(source, data=copy, sent=source.data, warnings=(*source.warnings, warning))


def _opens(data: bytes, password: str | None) -> bool:
    """Whether pdfium opens it, or would with the right password."""
    try:
        pypdfium2.PdfDocument(data, password=password).close()
    except pypdfium2.PdfiumError as error:
        return bool(error.err_code == FPDF_ERR_PASSWORD)
    return True


def _mended(data: bytes, password: str | None) -> bytes | None:
    out = BytesIO()
    try:
        with pikepdf.open(BytesIO(data), password=password or "") as pdf:
            if not any("/Contents" in page for page in pdf.pages):
                return None
            pdf.save(out)
    except (pikepdf.PdfError, ValueError):
        return None
    return out.getvalue()

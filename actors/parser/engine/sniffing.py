"""A file as it was sent: what it claims to be, what it is, and whether it is safe to open."""

from __future__ import annotations

import re
import shutil
import struct
import warnings
from dataclasses import dataclass
from io import BytesIO

from docling.backend.abstract_backend import AbstractDocumentBackend
from docling.datamodel.backend_options import DEFAULT_MAX_IMAGE_PIXELS
from docling.datamodel.base_models import InputFormat
from PIL import Image, UnidentifiedImageError

from actors.documents import DocumentBytes
from actors.errors import FileError
from actors.formats import FAMILIES, suffix_of
from actors.parser.engine.archives import LOCKED, check_zip
from actors.parser.engine.content_kinds import HEAD, PDF_HEADER_WITHIN, kind_of, looks_like_text, suffix_by_content
from actors.parser.engine.frames import check_animation
from actors.parser.engine.plain_text import PlainTextBackend
from actors.parser.engine.texts import DECODED, read_text
from actors.parser.engine.xml_kinds import known_xml, xml_format
from client.models import ErrorCode, FileWarning

_SPOKEN = {
    "pdf": "a PDF",
    "zip": "a ZIP archive",
    "ole": "an old Office file",
    "gzip": "a gzip archive",
    "rtf": "an RTF file",
    "image": "a picture",
    "html": "an HTML page",
}

_KIND_OF_FAMILY = {
    "pdf": "pdf",
    "image": "image",
    "rtf": "rtf",
    "mets_gbs": "gzip",
    **dict.fromkeys(("doc", "ppt", "xls"), "ole"),
    **dict.fromkeys(("docx", "pptx", "xlsx", "odt", "ods", "odp", "epub", "dclx"), "zip"),
    **dict.fromkeys(("iwork_pages", "iwork_keynote", "iwork_numbers"), "zip"),
}

_NEEDS_LIBREOFFICE = ("doc", "ppt", "xls", "rtf")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that is what it says it is. `name` is a label without folders.

    `data` are the bytes for docling, and `sent` the client's where those are others. `encoding` is that of a text file.
    `backend` reads the file in place of docling's own reader. `warnings` say what was in doubt.
    """

    name: str
    format: InputFormat
    data: bytes
    sent: bytes | None = None
    encoding: str | None = None
    backend: type[AbstractDocumentBackend] | None = None
    warnings: tuple[FileWarning, ...] = ()


#: What a wrong name leads to. Then the content can still say what the file is.
_MISNAMED = (ErrorCode.UNSUPPORTED_FORMAT, ErrorCode.CONTENT_MISMATCH, ErrorCode.INVALID_FILE)


def sniff(document: DocumentBytes, filename: str, encoding: str | None = None, *, trust_name: bool = True) -> Source:
    """The file, looked at but not parsed. `encoding` is for a text file without a byte-order mark.

    Without `trust_name`, the content of a file that does not fit its name decides what the file is.

    Raises FileError when the file should not be parsed.
    """
    data, suffix = document.tobytes(), suffix_of(filename)
    try:
        return _sniff(data, filename, suffix, encoding)
    except FileError as error:
        if trust_name or error.file_code not in _MISNAMED:
            raise
        found = suffix_by_content(data) or ("" if suffix in FAMILIES else ".txt" if looks_like_text(data) else "")
        if found in ("", suffix):
            raise
    return _sniff(data, filename, found, encoding)


def _sniff(data: bytes, filename: str, suffix: str, encoding: str | None) -> Source:
    if suffix not in FAMILIES:
        raise FileError(ErrorCode.UNSUPPORTED_FORMAT, f"Unsupported file format: {suffix or 'no suffix'}")
    if not data or data.isspace():
        raise FileError(ErrorCode.EMPTY_FILE, "The file is empty")
    family = FAMILIES[suffix]
    _check_kind(family, suffix, data)
    if family in _NEEDS_LIBREOFFICE and not shutil.which("soffice"):
        raise FileError(
            ErrorCode.UNSUPPORTED_FORMAT, f"Reading {suffix} files needs LibreOffice, which this server does not have"
        )
    if _KIND_OF_FAMILY.get(family) == "zip":
        check_zip(data, family, suffix)
    if family == "image":
        _check_pixels(data)
    name = re.split(r"[/\\]", filename)[-1]
    known = known_xml(data[:HEAD]) if family == "text" else None
    if family in DECODED and not known:
        return _decoded(name, family, suffix, data, encoding)
    return Source(name=name, format=known or _format_of(family, data), data=data)


def _decoded(name: str, family: str, suffix: str, data: bytes, encoding: str | None) -> Source:
    text = read_text(data, family, encoding)
    if not text.content.strip():
        raise FileError(ErrorCode.EMPTY_FILE, "The file is empty")
    if text.looks_binary:
        raise FileError(ErrorCode.CONTENT_MISMATCH, f"The file is named {suffix} but holds binary data")
    return Source(
        name=name,
        format=InputFormat.MD if family == "text" else InputFormat(family),
        data=text.as_bytes(family),
        sent=data,
        encoding=text.encoding,
        backend=PlainTextBackend if family == "text" else None,
        warnings=text.warnings,
    )


def _check_kind(family: str, suffix: str, data: bytes) -> None:
    wanted = "ole" if suffix == ".msg" else _KIND_OF_FAMILY.get(family)
    found = "pdf" if wanted == "pdf" and b"%PDF-" in data[:PDF_HEADER_WITHIN] else kind_of(data[:HEAD])
    if wanted is None:
        _check_text(found, family, suffix, data[:HEAD])
    elif found is None:
        raise FileError(ErrorCode.INVALID_FILE, f"The file is not a readable {suffix} file")
    elif found == "ole" and wanted == "zip" and "EncryptedPackage".encode("utf-16-le") in data:
        raise FileError(ErrorCode.PASSWORD_REQUIRED, LOCKED)
    elif found != wanted:
        raise FileError(ErrorCode.CONTENT_MISMATCH, f"The file is named {suffix} but holds {_SPOKEN[found]}")


def _check_text(found: str | None, family: str, suffix: str, head: bytes) -> None:
    """Text may be in any dialect, whatever it is called; binary data is not text."""
    if family == "afp" or found == "html":
        return
    has_nulls = b"\x00" in head and not head.startswith(_BYTE_ORDER_MARKS) and family not in DECODED
    if found is not None or has_nulls:
        holds = _SPOKEN.get(found or "", "binary data")
        raise FileError(ErrorCode.CONTENT_MISMATCH, f"The file is named {suffix} but holds {holds}")


def _check_pixels(data: bytes) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data)) as picture:
                _check_size(picture)
                check_animation(picture, len(data))
    except Image.DecompressionBombError as error:
        raise FileError(ErrorCode.DECOMPRESSION_BOMB, "The picture is too large to unpack") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, LookupError, struct.error) as error:
        raise FileError(ErrorCode.INVALID_FILE, "The file is not a readable picture") from error


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > DEFAULT_MAX_IMAGE_PIXELS:
        raise FileError(ErrorCode.DECOMPRESSION_BOMB, f"The picture is too large to unpack: {width} x {height} pixels")


def _format_of(family: str, data: bytes) -> InputFormat:
    return InputFormat(family) if family != "xml" else xml_format(data[:HEAD])

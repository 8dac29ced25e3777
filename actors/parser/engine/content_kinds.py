"""Tells what a file is by its content alone, for files whose name says nothing, or something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from actors.parser.engine.xml_kinds import known_xml

HEAD = 8192  #: bytes of a file that are looked at to tell what it is
PDF_HEADER_WITHIN = 1024  #: bytes; PDF readers put up with other things before the header

_SIGNATURES = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1f\x8b", "gzip"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"II+\x00", "image"),  # BigTIFF
    (b"MM\x00+", "image"),
)

#: A kind with one suffix that stands for all its files.
_SUFFIX_OF_KIND = {"pdf": ".pdf", "rtf": ".rtf", "image": ".png", "html": ".html", "gzip": ".tar.gz"}

#: Members that only one kind of archive has.
_SUFFIX_OF_MEMBER = {
    "word/": ".docx",
    "ppt/": ".pptx",
    "xl/": ".xlsx",
    "META-INF/container.xml": ".epub",
}
_SUFFIX_OF_ODF = {b"text": ".odt", b"spreadsheet": ".ods", b"presentation": ".odp"}

#: Streams that only one kind of old Office file has. Their names are stored in UTF-16.
_SUFFIX_OF_STREAM = {
    "WordDocument": ".doc",
    "PowerPoint Document": ".ppt",
    "Workbook": ".xls",
    "__substg1.0_": ".msg",
}

_DOCLING_JSON = re.compile(rb'^\s*\{.{0,4096}"schema_name"\s*:\s*"DoclingDocument"', re.DOTALL)


def kind_of(head: bytes) -> str | None:
    """What the content is, as far as its first bytes show; None for text and for what is not known."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if (head.startswith(b"RIFF") and head[8:12] == b"WEBP") or (head.startswith(b"BM") and head[6:10] == bytes(4)):
        return "image"
    if re.match(rb"\s*(<!doctype html|<html)", head, re.IGNORECASE):
        return "html"
    return None


def looks_like_text(data: bytes) -> bool:
    """Whether the content is of no known kind and has no zero bytes. Text in UTF-16 has some, and is not recognised."""
    return kind_of(data[:HEAD]) is None and b"\x00" not in data[:HEAD]


def suffix_by_content(data: bytes) -> str:
    """The suffix that a file with this content should have; "" when the content does not show it.

    Plain text shows nothing: it may be in any dialect.
    """
    head = data[:HEAD]
    kind = "pdf" if b"%PDF-" in data[:PDF_HEADER_WITHIN] else kind_of(head)
    match kind:
        case "zip":
            return _suffix_of_archive(data)
        case "ole":
            return _first(suffix for name, suffix in _SUFFIX_OF_STREAM.items() if name.encode("utf-16-le") in data)
        case None:
            return _suffix_of_markup(head)
    return _SUFFIX_OF_KIND[kind]


def _suffix_of_archive(data: bytes) -> str:
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            declared = archive.read("mimetype")[:256] if "mimetype" in names else b""
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        return ""
    office = _first(
        suffix for mark, suffix in _SUFFIX_OF_MEMBER.items() if any(name.startswith(mark) for name in names)
    )
    return office or _first(suffix for kind, suffix in _SUFFIX_OF_ODF.items() if b"opendocument." + kind in declared)


def _suffix_of_markup(head: bytes) -> str:
    if _DOCLING_JSON.match(head):
        return ".json"
    return ".xml" if known_xml(head) else ""


def _first(suffixes: Iterable[str]) -> str:
    return next(iter(suffixes), "")

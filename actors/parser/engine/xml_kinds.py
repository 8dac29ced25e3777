"""The kinds of XML that docling reads, told apart by the beginning of a file."""

from __future__ import annotations

import codecs
import re

from docling.datamodel.base_models import InputFormat

from actors.errors import FileError
from client.models import ErrorCode

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*", re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z][\w.:-]*)")
_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_DOCTYPES = (
    (("us-patent", "us-grant", "patent-application-publication"), InputFormat.XML_USPTO),
    (("jats-",), InputFormat.XML_JATS),
)


def xml_format(head: bytes) -> InputFormat:
    """The kind of a file that is named `.xml`, by its document type or its root. Raises FileError for other kinds."""
    known = known_xml(head)
    if known is None and _root(_markup(head)) == "article":
        known = InputFormat.XML_JATS
    if known is None:
        raise FileError(ErrorCode.UNSUPPORTED_FORMAT, "Unsupported kind of XML: JATS, USPTO and DocLang are known")
    return known


def known_xml(head: bytes) -> InputFormat | None:
    """The kind of a file whatever it is named; None for plain text. A patent of before 2001 is no XML, but tagged."""
    if head.startswith((b"PATN\n", b"PATN\r\n")):
        return InputFormat.XML_USPTO
    markup = _markup(head)
    if not markup.startswith("<"):
        return None
    doctype = _DOCTYPE.search(markup)
    for marks, kind in _DOCTYPES:
        if doctype and any(mark in doctype.group().lower() for mark in marks):
            return kind
    return InputFormat.XML_DOCLANG if _root(markup) == "doclang" else None


def _markup(head: bytes) -> str:
    encoding = next((encoding for mark, encoding in _UTF16 if head.startswith(mark)), "utf-8")
    return _COMMENT.sub("", head.decode(encoding, errors="replace")).lstrip("\ufeff \t\r\n")


def _root(markup: str) -> str:
    root = _ROOT.search(markup)
    return root.group(1).lower() if root else ""

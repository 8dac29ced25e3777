"""Which files docfleet takes, by the suffix of their name. Knows nothing of docling, so that the ingress may ask.

A family is docling's own name of a format, but for two: `xml` stands for several that their content tells apart, and
`text` is plain text, which docling takes for Markdown. Left out of what docling can read are audio and video (their
speech models would have to be fetched), EBCDIC (needs a record layout that a client cannot send) and XBRL (fetches its
taxonomies).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_SUFFIXES_BY_FAMILY: Mapping[str, tuple[str, ...]] = {
    "pdf": ("pdf",),
    "docx": ("docx", "dotx", "docm", "dotm"),
    "doc": ("doc", "dot"),
    "rtf": ("rtf",),
    "pptx": ("pptx", "potx", "ppsx", "pptm", "potm", "ppsm"),
    "ppt": ("ppt", "pot", "pps"),
    "xlsx": ("xlsx", "xlsm", "xltx", "xltm"),
    "xls": ("xls", "xlt"),
    "odt": ("odt", "ott"),
    "ods": ("ods", "ots"),
    "odp": ("odp", "otp"),
    "iwork_pages": ("pages",),
    "iwork_keynote": ("key",),
    "iwork_numbers": ("numbers",),
    "epub": ("epub",),
    "html": ("html", "htm", "xhtml"),
    "mhtml": ("mhtml", "mht"),
    "image": ("png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif"),
    "asciidoc": ("asciidoc", "adoc", "asc"),
    "md": ("md", "markdown", "qmd", "rmd"),
    "text": ("txt", "text"),
    "csv": ("csv",),
    "latex": ("tex", "latex"),
    "vtt": ("vtt",),
    "email": ("eml", "msg"),
    "json_docling": ("json",),
    "xml": ("xml",),
    "xml_jats": ("nxml",),
    "xml_doclang": ("dclg", "dclg.xml"),
    "dclx": ("dclx",),
    "boxnote": ("boxnote",),
    "afp": ("afp",),
    "mets_gbs": ("tar.gz",),
}

#: Suffix, with its dot and in lower case, to family.
FAMILIES: Mapping[str, str] = MappingProxyType(
    {f".{suffix}": family for family, suffixes in _SUFFIXES_BY_FAMILY.items() for suffix in suffixes}
)

#: Suffixes of two parts, which a look at the last dot alone would miss.
_LONG_SUFFIXES = tuple(suffix for suffix in FAMILIES if suffix.count(".") > 1)


MAX_LABEL = 255  # characters of a file name; its end is kept, because the suffix is there

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def supported_suffixes() -> tuple[str, ...]:
    """Every suffix that is taken, as `.pdf`."""
    return tuple(FAMILIES)


def suffix_of(filename: str) -> str:
    """The suffix of a file name in lower case and with its dot, `.tar.gz` whole; "" when it has none."""
    name = filename.lower()
    for suffix in _LONG_SUFFIXES:
        if name.endswith(suffix):
            return suffix
    _, dot, last = name.rpartition(".")
    if not dot or "/" in last or "\\" in last:
        return ""
    return f".{last}"


def label_of(name: str) -> str:
    """A name that somebody gave a file, as a label: printable, without folders, and not too long."""
    return printable(re.split(r"[/\\]", name)[-1])[-MAX_LABEL:]


def printable(name: str) -> str:
    """A name without control characters, and without half a character, to which some codecs decode: no JSON can hold
    it."""
    return _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", name.encode(errors="replace").decode())

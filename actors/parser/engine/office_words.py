"""Tells which words of an office file are not in its document.

docling reads these files part by part, and passes over what it does not know, such as a diagram or a text box. So the
text of the file's XML is read once more, without any of its structure. A word is lost if it is nowhere in the document:
docling reads some things once that a file has several times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import accumulate
from zipfile import ZipFile

from docling.datamodel.base_models import InputFormat
from docling_core.types.doc.document import DoclingDocument
from lxml import etree

from actors.parser.engine.words import missing, quoted, words_of
from client.models import FileWarning, WarningCode

#: The parts of a file whose text is checked. Others hold numbers, the text of templates, or what each page repeats.
_PARTS: Mapping[InputFormat, re.Pattern[str]] = {
    InputFormat.DOCX: re.compile(r"word/(document\d*|footnotes|endnotes|comments|diagrams/data\d*)\.xml"),
    InputFormat.PPTX: re.compile(r"ppt/(slides/slide|diagrams/data)\d*\.xml"),
    InputFormat.XLSX: re.compile(r"xl/(drawings/drawing|diagrams/data)\d*\.xml"),
    InputFormat.ODT: re.compile(r"content\.xml"),
    InputFormat.ODP: re.compile(r"content\.xml"),
}

#: The absent words that are looked for in pieces. Where more are absent, most of them are lost.
MOST_SPLIT = 1_000

_NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "meta": "urn:oasis:names:tc:opendocument:xmlns:meta:1.0",
}


def _tags(names: str) -> frozenset[str]:
    pairs = (name.split(":") for name in names.split())
    return frozenset(f"{{{_NAMESPACES[prefix]}}}{local}" for prefix, local in pairs)


_TEXT = _tags("w:t a:t text:p text:h")
#: No word goes on over these.
_BREAKS = _tags("w:p w:tab w:br w:cr a:p a:br text:p text:h text:tab text:line-break text:s")
#: What was deleted or moved away, what is there a second time for older programs, how a word is spoken, and who wrote.
_PASSED_OVER = _tags(
    "w:del w:moveFrom w:rt mc:Fallback text:tracked-changes text:ruby-text text:note-citation svg:title svg:desc "
    "dc:creator dc:date meta:creator-initials meta:date-string"
)
(_RUN,), (_HIDDEN,) = _tags("w:r"), _tags("w:vanish")


def warnings_about(data: bytes, form: InputFormat, document: DoclingDocument) -> list[FileWarning]:
    """A warning if words of an office file are nowhere in the document. Files of other formats have none."""
    words = _lost(data, _PARTS[form], document) if form in _PARTS else []
    message = f"{len(words)} of the file's words are not in the document: {quoted(words)}"
    return [FileWarning(code=WarningCode.WORDS_LOST, message=message)] if words else []


def _lost(data: bytes, parts: re.Pattern[str], document: DoclingDocument) -> list[str]:
    read = dict.fromkeys(word for text in _texts(data, parts) for word in words_of(text))
    if not read:
        return []
    kept = [word for text in _kept(document) for word in words_of(text)]
    absent = missing([*read], [*dict.fromkeys(kept)])
    return [*_never_split(absent[:MOST_SPLIT], kept), *absent[MOST_SPLIT:]]


def _never_split(words: Sequence[str], kept: Sequence[str]) -> Iterator[str]:
    """The words that no neighbours in the document make up. docling splits a word whose letters look different."""
    run, borders = "".join(kept), {0, *accumulate(map(len, kept))}
    for word in words:
        if not any(at in borders and at + len(word) in borders for at in _places_of(word, run)):
            yield word


def _places_of(word: str, run: str) -> Iterator[int]:
    at = run.find(word)
    while at >= 0:
        yield at
        at = run.find(word, at + 1)


def _texts(data: bytes, parts: re.Pattern[str]) -> Iterator[str]:
    with ZipFile(BytesIO(data)) as archive:
        for name in filter(parts.fullmatch, archive.namelist()):
            with suppress(etree.XMLSyntaxError):  # docling got over it, or nothing could be read
                yield etree.fromstring(archive.read(name), _parser())


def _parser() -> etree.XMLParser:
    return etree.XMLParser(target=_Text(), resolve_entities=False, no_network=True)


def _kept(document: DoclingDocument) -> Iterator[str]:
    yield from (item.text for item in document.texts)
    yield from (item.orig for item in document.texts if item.orig != item.text)
    for table in document.tables:
        yield from (cell.text for cell in table.data.table_cells)


class _Text:
    """Takes the events of lxml's parser, and gives the text that the file shows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._within_text = self._passed_over = 0
        self._hidden = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._passed_over or tag in _PASSED_OVER:
            self._passed_over += 1
            return
        self._within_text += tag in _TEXT
        if tag in _BREAKS:
            self._parts.append(" ")
        elif tag in (_RUN, _HIDDEN):
            self._hidden = tag == _HIDDEN and not {"0", "false"}.intersection(attributes.values())

    def data(self, text: str) -> None:
        if self._within_text and not self._passed_over and not self._hidden:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        if self._passed_over:
            self._passed_over -= 1
            return
        self._within_text -= tag in _TEXT
        if tag in _BREAKS:
            self._parts.append(" ")

    def close(self) -> str:
        return "".join(self._parts)

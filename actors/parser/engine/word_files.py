"""Word files whose text stands in elements that docling does not look into.

docling reads most tracked changes, fields and content controls in the paragraphs of the body. In the cells of a table
it reads plain runs alone, as python-docx does, and some elements it reads nowhere. Without these elements the text is
the same to every reader.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from docling.backend.msword_backend import MsWordDocumentBackend
from docling.backend.utils.archive_limits import ArchiveLimits
from docling.datamodel.backend_options import MsWordBackendOptions
from docx.document import Document
from docx.opc.part import XmlPart
from docx.oxml import OxmlElement
from lxml import etree

from actors.parser.engine.diagrams import PLACE, RELATION, paragraphs_of, text_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

#: Text that was inserted or moved here, named things, fields, and text of another direction.
_WRAPPERS = [f"{_W}{name}" for name in ("ins", "moveTo", "smartTag", "customXml", "fldSimple", "dir", "bdo")]
_LIMITS = ArchiveLimits.from_options(MsWordBackendOptions())
_ABOUT_WRAPPERS = (f"{_W}smartTagPr", f"{_W}customXmlPr", f"{_W}fldData")


class WordFile(MsWordDocumentBackend):
    """docling's reader, for a file without such elements."""

    @staticmethod
    def load_msword_file(
        path_or_stream: BytesIO | Path, document_hash: str, limits: ArchiveLimits = _LIMITS
    ) -> Document:
        """The file as docling loads it, then unwrapped."""
        loaded = MsWordDocumentBackend.load_msword_file(path_or_stream, document_hash, limits)
        for part in loaded.part.package.iter_parts():
            if isinstance(part, XmlPart):
                _unwrap(part.element)
        _write_diagrams(loaded)
        return loaded


def _write_diagrams(document: Document) -> None:
    """Put the text of each diagram into paragraphs below the one that holds it."""
    for place in [*document.element.iter(PLACE)]:
        holder = next(place.iterancestors(f"{_W}p"), None)
        name = place.get(RELATION)
        if holder is None or name not in document.part.related_parts:
            continue
        for paragraph in reversed(paragraphs_of(document.part.related_parts[name].blob)):
            written = OxmlElement("w:p")
            written.add_r().text = text_of(paragraph)
            holder.addnext(written)


def _unwrap(root: etree._Element) -> None:
    for wrapper in [*root.iter(_WRAPPERS)]:
        _replace(wrapper, [child for child in wrapper if child.tag not in _ABOUT_WRAPPERS])
    for control in [*root.iter(f"{_W}sdt")]:
        if _is_passed_over(control):
            # Its properties stay: they tell docling of a check box.
            _replace(control, [*control.iterfind(f"{_W}sdtPr"), *_content_of(control)])
    for ruby in [*root.iter(f"{_W}ruby")]:
        run = ruby.getparent()
        if run is not None and run.getparent() is not None:
            _replace(run, [*run.iterfind(f"{_W}ruby/{_W}rubyBase/{_W}r")])


def _is_passed_over(control: etree._Element) -> bool:
    """Whether docling does not read a content control: one around rows, or in a paragraph of a cell."""
    if any(child.tag == f"{_W}tr" for child in _content_of(control)):
        return True
    parent = control.getparent()
    in_paragraph = parent is not None and parent.tag in (f"{_W}p", f"{_W}hyperlink")
    return in_paragraph and next(control.iterancestors(f"{_W}tc"), None) is not None


def _content_of(control: etree._Element) -> list[etree._Element]:
    return [*control.iterfind(f"{_W}sdtContent/*")]


def _replace(element: etree._Element, others: list[etree._Element]) -> None:
    for other in others:
        element.addprevious(other)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)

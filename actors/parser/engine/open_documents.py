"""OpenDocument files whose text stands in elements that docling passes over, such as groups of shapes and indexes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from docling.backend.opendocument_backend import OdpDocumentBackend, OdtDocumentBackend
from docling.datamodel.backend_options import OdsBackendOptions
from docling.datamodel.document import InputDocument
from lxml import etree

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"

_INDEXES = [
    f"{_TEXT}{name}"
    for name in (
        "table-of-content",
        "illustration-index",
        "table-index",
        "object-index",
        "user-index",
        "alphabetical-index",
        "bibliography",
        "index-body",
        "index-title",
    )
]


class OpenText(OdtDocumentBackend):
    """docling's reader, for a text with plain paragraphs and list items."""

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: OdsBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        body = self.odf_obj.body._xml_element
        _unwrap(body, [*_INDEXES, f"{_TEXT}numbered-paragraph"])
        etree.strip_elements(body, f"{_TEXT}ruby-text", with_tail=False)  # tells how the word before it is spoken
        for header in [*body.iter(f"{_TEXT}list-header")]:
            header.tag = f"{_TEXT}list-item"


class OpenSlides(OdpDocumentBackend):
    """docling's reader, for slides without groups."""

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: OdsBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        _unwrap(self.odf_obj.body._xml_element, [f"{_DRAW}g"])


def _unwrap(root: etree._Element, tags: list[str]) -> None:
    for wrapper in [*root.iter(tags)]:
        parent = wrapper.getparent()
        for child in [*wrapper]:
            wrapper.addprevious(child)
        if parent is not None:
            parent.remove(wrapper)

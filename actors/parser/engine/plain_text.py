"""Plain text as a document: every character as it stands, and a paragraph between blank lines."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from docling.backend.abstract_backend import DeclarativeDocumentBackend
from docling.datamodel.backend_options import DeclarativeBackendOptions
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling_core.types.doc.common.origin import DocumentOrigin
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

MIMETYPE = "text/plain"

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


class PlainTextBackend(DeclarativeDocumentBackend):
    """Takes UTF-8. docling itself reads plain text as Markdown, which drops what looks like markup."""

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: DeclarativeBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options or DeclarativeBackendOptions())
        if isinstance(path_or_stream, Path):
            raise TypeError("documents are handed over as bytes")
        self._text = path_or_stream.getvalue().decode().replace("\r\n", "\n").replace("\r", "\n")

    def is_valid(self) -> bool:
        return True

    @classmethod
    def supports_pagination(cls) -> bool:
        return False

    @classmethod
    def supported_formats(cls) -> set[InputFormat]:
        return {InputFormat.MD}

    def convert(self) -> DoclingDocument:
        origin = DocumentOrigin(filename=self.file.name, mimetype=MIMETYPE, binary_hash=self.document_hash)
        document = DoclingDocument(name=self.file.stem, origin=origin)
        for paragraph in _BLANK_LINES.split(self._text):
            if paragraph.strip():
                document.add_text(label=DocItemLabel.TEXT, text=paragraph.strip("\n"))
        return document


def plain_text(document: DoclingDocument) -> str | None:
    """The text of a document that was plain text; None for every other document.

    It is the document's Markdown, too: docling's own would add spaces and escapes to it.
    """
    if document.origin is None or document.origin.mimetype != MIMETYPE:
        return None
    return "\n\n".join(item.text for item in document.texts)

"""A stored DoclingDocument in the other formats that docling can write."""

from __future__ import annotations

from typing import Any

from docling_core.transforms.serializer.base import SerializationResult
from docling_core.transforms.serializer.doctags import DocTagsDocSerializer, DocTagsParams
from docling_core.types.doc.base import ImageRefMode
from docling_core.types.doc.common.constants import DOCUMENT_TOKENS_EXPORT_LABELS
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import FloatingItem

from actors.derivations import Export
from actors.parser.engine.content import layers_of
from actors.parser.engine.plain_text import plain_text
from client.models import ExportFormat


def dump(document: DoclingDocument) -> bytes:
    """The document as docling's own JSON, in UTF-8."""
    return document.model_dump_json(by_alias=True, exclude_none=True).encode()


def export(document_json: bytes, wanted: Export) -> bytes:
    """A document from `dump` in another format. Pictures are embedded where they were kept."""
    form = wanted.form
    if form is ExportFormat.JSON:
        return document_json
    document = DoclingDocument.model_validate_json(document_json)
    plain = plain_text(document)
    if plain is not None and form in (ExportFormat.MARKDOWN, ExportFormat.TEXT):
        return plain.encode()
    kept = any(picture.image for picture in document.pictures)
    layers = layers_of(wanted.content)
    images = ImageRefMode.EMBEDDED if kept else ImageRefMode.PLACEHOLDER
    match form:
        case ExportFormat.MARKDOWN:
            text = document.export_to_markdown(image_mode=images, included_content_layers=layers)
        case ExportFormat.HTML:
            text = document.export_to_html(image_mode=images, included_content_layers=layers)
        case ExportFormat.TEXT:
            text = document.export_to_text(included_content_layers=layers)
        case ExportFormat.DOCTAGS:
            params = DocTagsParams(labels=DOCUMENT_TOKENS_EXPORT_LABELS, layers=layers)
            text = _DocTags(doc=document, params=params).serialize().text
        case _:
            raise ValueError(f"a document is not exported as {form}")
    return text.encode()


class _DocTags(DocTagsDocSerializer):
    """docling's serializer, which itself fails on every listing that has a caption (docling-core 2.104)."""

    def serialize_captions(self, item: FloatingItem, **kwargs: Any) -> SerializationResult:
        kwargs.pop("is_inline_scope", None)
        return super().serialize_captions(item, **kwargs)

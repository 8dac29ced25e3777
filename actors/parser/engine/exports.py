"""A stored DoclingDocument in the other formats that docling can write."""

from __future__ import annotations

from typing import Any

import yaml
from docling_core.transforms.serializer.base import SerializationResult
from docling_core.transforms.serializer.common import DocSerializer
from docling_core.transforms.serializer.doclang import DocLangDocSerializer, DocLangParams
from docling_core.transforms.serializer.doctags import DocTagsDocSerializer, DocTagsParams
from docling_core.transforms.serializer.html import HTMLDocSerializer, HTMLParams
from docling_core.transforms.serializer.latex import LaTeXDocSerializer, LaTeXParams
from docling_core.transforms.serializer.markdown import MarkdownDocSerializer, MarkdownParams
from docling_core.transforms.serializer.plain_text import PlainTextDocSerializer, PlainTextParams
from docling_core.transforms.serializer.webvtt import WebVTTDocSerializer, WebVTTParams
from docling_core.types.doc.base import ImageRefMode
from docling_core.types.doc.common.constants import DOCUMENT_TOKENS_EXPORT_LABELS
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import FloatingItem
from pydantic import BaseModel

from actors.derivations import Export
from actors.errors import FileError
from actors.parser.engine.content import layers_of, shows_figures
from actors.parser.engine.pictures import link_pages, style_pictures
from actors.parser.engine.plain_text import plain_text
from client.models import ErrorCode, ExportFormat

#: What stands for a picture in Markdown.
IMAGE_PLACEHOLDER = "<!-- image -->"

_FIELDS = list(DoclingDocument.model_fields)
_BEFORE_TEXTS, _AFTER_TEXTS = set(_FIELDS[: _FIELDS.index("texts")]), set(_FIELDS[_FIELDS.index("texts") + 1 :])

WITHOUT_PICTURES = (ExportFormat.TEXT, ExportFormat.DOCTAGS, ExportFormat.VTT)


def dump(document: DoclingDocument) -> bytes:
    """The document as docling's own JSON, in UTF-8.

    Most of it are texts. They are written one by one, for each knows its class. In the list, pydantic would try all
    classes that a text may have.
    """
    texts = b",".join(_json(text) for text in document.texts)
    return _json(document, _BEFORE_TEXTS)[:-1] + b',"texts":[' + texts + b"]," + _json(document, _AFTER_TEXTS)[1:]


def _json(part: BaseModel, fields: set[str] | None = None) -> bytes:
    return part.model_dump_json(by_alias=True, exclude_none=True, include=fields).encode()


def export(document_json: bytes, wanted: Export) -> bytes:
    """A document from `dump` in another format.

    Raises FileError when it should embed pictures that were not kept, or be subtitles and has no times.
    """
    form, style = wanted.form, wanted.style
    if form is ExportFormat.JSON and style.images is None and style.pages is None:
        return document_json
    document = DoclingDocument.model_validate_json(document_json)
    plain = plain_text(document)
    if plain is not None and form in (ExportFormat.MARKDOWN, ExportFormat.TEXT):
        return plain.encode()
    images = ImageRefMode.PLACEHOLDER if form in WITHOUT_PICTURES else style_pictures(document, style)
    if style.pages:
        link_pages(document, style.pages)
    match form:
        case ExportFormat.JSON:
            return dump(document)
        case ExportFormat.YAML:
            return yaml.dump(document.export_to_dict(), Dumper=yaml.CSafeDumper, allow_unicode=True).encode()
    return _writer(document, wanted, images).serialize().text.encode()


def _writer(document: DoclingDocument, wanted: Export, images: ImageRefMode) -> DocSerializer:
    layers, figures = layers_of(wanted.content), shows_figures(wanted.content)
    shown: dict[str, Any] = {"labels": DOCUMENT_TOKENS_EXPORT_LABELS, "layers": layers, "traverse_pictures": figures}
    paged = shown | {"page_break_placeholder": wanted.style.page_break}
    match wanted.form:
        case ExportFormat.MARKDOWN:
            mark = "" if wanted.style.images == "none" else IMAGE_PLACEHOLDER
            params = MarkdownParams(image_mode=images, image_placeholder=mark, **paged)
            return MarkdownDocSerializer(doc=document, params=params)
        case ExportFormat.HTML:
            return HTMLDocSerializer(doc=document, params=HTMLParams(image_mode=images, **shown))
        case ExportFormat.TEXT:
            return PlainTextDocSerializer(doc=document, params=PlainTextParams(**paged))
        case ExportFormat.DOCTAGS:
            return _DocTags(doc=document, params=DocTagsParams(**shown))
        case ExportFormat.DOCLANG:
            return DocLangDocSerializer(doc=document, params=DocLangParams(image_mode=images, **shown))
        case ExportFormat.LATEX:
            linked = images if images is ImageRefMode.REFERENCED else ImageRefMode.PLACEHOLDER
            return LaTeXDocSerializer(doc=document, params=LaTeXParams(image_mode=linked, **shown))
        case ExportFormat.VTT:
            _check_times(document)
            return WebVTTDocSerializer(doc=document, params=WebVTTParams(**shown))
    raise ValueError(f"a document is not exported as {wanted.form}")


def _check_times(document: DoclingDocument) -> None:
    """Raises FileError for a document of which WebVTT would leave out the text."""
    if not any(item.source for item in document.texts):
        message = "The document has no times, as subtitles have, so it cannot be written as WebVTT"
        raise FileError(ErrorCode.EXPORT_UNAVAILABLE, message)


class _DocTags(DocTagsDocSerializer):
    """docling's serializer, which itself fails on every listing that has a caption (docling-core 2.104)."""

    def serialize_captions(self, item: FloatingItem, **kwargs: Any) -> SerializationResult:
        kwargs.pop("is_inline_scope", None)
        return super().serialize_captions(item, **kwargs)

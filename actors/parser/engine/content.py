"""Which parts of a document its nodes and exports show, by docling's content layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, NodeItem
from docling_core.types.doc.labels import DocItemLabel

from client.models import DEFAULT_CONTENT, Content

_LAYERS: Mapping[Content, ContentLayer] = {
    "body": ContentLayer.BODY,
    "furniture": ContentLayer.FURNITURE,
    "notes": ContentLayer.NOTES,
}


def layers_of(content: Collection[Content] | None) -> set[ContentLayer]:
    """docling's layers for the option `content`; for the default where it is not set."""
    return {_LAYERS[part] for part in content or DEFAULT_CONTENT if part in _LAYERS}


def shows_figures(content: Collection[Content] | None) -> bool:
    """Whether the words inside figures are shown. docling leaves them out of its exports."""
    return "figures" in (content or DEFAULT_CONTENT)


def items_of(document: DoclingDocument, content: Collection[Content]) -> Iterator[DocItem]:
    """The items that are shown with `content`, in reading order."""
    walk = document.iterate_items(included_content_layers=layers_of(content), traverse_pictures=shows_figures(content))
    return (item for item, _ in walk if isinstance(item, DocItem))


def items_below(document: DoclingDocument, root: NodeItem) -> Iterator[DocItem]:
    """The items below another one, in reading order: those of all layers, and those inside figures.

    docling's own walk gives the same ones, and asks of each what this one need not know.
    """
    for reference in root.children:
        item = reference.resolve(document)
        if isinstance(item, DocItem):
            yield item
        if item.children:
            yield from items_below(document, item)


def move_notes(document: DoclingDocument) -> None:
    """Move footnotes and endnotes from the furniture, where docling puts those of office files, to the notes."""
    for item in document.texts:
        if item.label is DocItemLabel.FOOTNOTE and item.content_layer is ContentLayer.FURNITURE:
            item.content_layer = ContentLayer.NOTES

"""The markdown of a document page by page, in one pass over it.

Asking docling for one page's markdown walks the whole document each time; for a book that is quadratic. Here the
body's items are sorted by page once, and each page serializes only its own.
"""

from __future__ import annotations

from typing import Any

from docling_core.transforms.serializer.markdown import MarkdownDocSerializer, MarkdownParams
from docling_core.types.doc.common.constants import DOCUMENT_TOKENS_EXPORT_LABELS
from docling_core.types.doc.common.content_layer import DEFAULT_CONTENT_LAYERS, ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, NodeItem
from docling_core.types.doc.items.table.table import TableItem
from pydantic import PrivateAttr


class PageTexts:
    """Markdown of a document, as docling exports it: whole, by page and by table."""

    def __init__(self, document: DoclingDocument) -> None:
        self._document = document
        self._serializer = _PageSerializer(doc=document, params=_params())
        self._roots: dict[int, list[NodeItem]] = {}
        for reference in document.body.children:
            root = reference.resolve(document)
            for page in self._serializer.pages_of(root):
                self._roots.setdefault(page, []).append(root)

    def whole(self) -> str:
        """The whole document."""
        self._serializer.show_only(None)
        return self._serializer.serialize().text

    def page(self, number: int) -> str:
        """What begins on a page: an item that runs over several belongs to its first."""
        visited: set[str] = set()
        self._serializer.show_only(number)
        parts = [
            part
            for root in self._roots.get(number, [])
            for part in self._serializer.get_parts(item=root, visited=visited)
        ]
        return self._serializer.serialize_doc(parts=parts).text

    def table(self, table: TableItem) -> str:
        """One table with its caption."""
        self._serializer.show_only(None)
        return self._serializer.serialize(item=table).text


def _params() -> MarkdownParams:
    """As in `DoclingDocument.export_to_markdown`."""
    return MarkdownParams(labels=DOCUMENT_TOKENS_EXPORT_LABELS, layers=DEFAULT_CONTENT_LAYERS)


class _PageSerializer(MarkdownDocSerializer):
    """docling's serializer, which finds what is not on a page by lookup rather than by walking the document."""

    _excluded: set[str] = PrivateAttr(default_factory=set)
    _excluded_everywhere: set[str] = PrivateAttr(default_factory=set)
    _items: set[str] = PrivateAttr(default_factory=set)
    _items_by_page: dict[int, set[str]] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._excluded_everywhere = super().get_excluded_refs()
        for item in self._below(self.doc.body):
            self._items.add(item.self_ref)
            if item.prov:
                self._items_by_page.setdefault(item.prov[0].page_no, set()).add(item.self_ref)
        self.show_only(None)

    def show_only(self, page: int | None) -> None:
        """Leave out whatever is not on `page`; None leaves nothing out."""
        elsewhere = set() if page is None else self._items - self._items_by_page.get(page, set())
        self._excluded = self._excluded_everywhere | elsewhere

    def get_excluded_refs(self, **kwargs: Any) -> set[str]:
        return self._excluded

    def pages_of(self, root: NodeItem) -> set[int]:
        """The pages that `root` and what is below it are on."""
        return {item.prov[0].page_no for item in self._below(root) if item.prov}

    def _below(self, root: NodeItem) -> list[DocItem]:
        walk = self.doc.iterate_items(
            root=root, with_groups=True, traverse_pictures=True, included_content_layers=set(ContentLayer)
        )
        return [item for item, _ in walk if isinstance(item, DocItem)]

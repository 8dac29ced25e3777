"""The markdown of a document page by page, in one pass over it.

Asking docling for one page's markdown walks the whole document each time; for a book that is quadratic. Here the
body's items are sorted by page once, and each page serializes only its own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from docling_core.transforms.serializer.markdown import MarkdownDocSerializer, MarkdownParams
from docling_core.types.doc.common.constants import DOCUMENT_TOKENS_EXPORT_LABELS
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, NodeItem
from docling_core.types.doc.items.table.table import TableItem
from pydantic import PrivateAttr


class PageTexts:
    """Markdown of a document's `layers`, as docling exports it: whole, by page and by table."""

    def __init__(self, document: DoclingDocument, layers: set[ContentLayer]) -> None:
        self._document = document
        self._serializer = _PageSerializer(doc=document, params=_params(layers))

    @cached_property
    def _roots(self) -> dict[int, list[NodeItem]]:
        """The body's items by the pages that they or what is below them are on."""
        roots: dict[int, list[NodeItem]] = {}
        for reference in self._document.body.children:
            root = reference.resolve(self._document)
            for page in self._serializer.pages_of(root):
                roots.setdefault(page, []).append(root)
        return roots

    @property
    def placed(self) -> bool:
        """Whether anything at all lies on a page."""
        return bool(self._roots)

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


def _params(layers: set[ContentLayer]) -> MarkdownParams:
    """As in `DoclingDocument.export_to_markdown`."""
    return MarkdownParams(labels=DOCUMENT_TOKENS_EXPORT_LABELS, layers=layers)


class _PageSerializer(MarkdownDocSerializer):
    """docling's serializer, which finds what is not on a page by lookup rather than by walking the document."""

    _excluded: set[str] = PrivateAttr(default_factory=set)
    _excluded_everywhere: set[str] = PrivateAttr(default_factory=set)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._excluded_everywhere = super().get_excluded_refs()
        self.show_only(None)

    def show_only(self, page: int | None) -> None:
        """Leave out whatever is not on `page`; None leaves nothing out."""
        others = [] if page is None else [refs for number, refs in self._refs_by_page.items() if number != page]
        self._excluded = self._excluded_everywhere.union(*others)

    @cached_property
    def _refs_by_page(self) -> dict[int, set[str]]:
        refs: dict[int, set[str]] = {}
        for ref, page in self._page_by_ref.items():
            refs.setdefault(page, set()).add(ref)
        return refs

    @cached_property
    def _page_by_ref(self) -> dict[str, int]:
        """The page of every item. An item without a place, as comments are, is on the page of the one before it.

        Empty when nothing has a place.
        """
        items = self._below(self.doc.body)
        placed = [item.prov[0].page_no for item in items if item.prov]
        if not placed:
            return {}
        page, pages = placed[0], {}
        for item in items:
            page = item.prov[0].page_no if item.prov else page
            pages[item.self_ref] = page
        return pages

    def get_excluded_refs(self, **kwargs: Any) -> set[str]:
        return self._excluded

    def pages_of(self, root: NodeItem) -> set[int]:
        """The pages that `root` and what is below it are on."""
        return {self._page_by_ref[item.self_ref] for item in self._below(root) if item.self_ref in self._page_by_ref}

    def _below(self, root: NodeItem) -> list[DocItem]:
        walk = self.doc.iterate_items(
            root=root, with_groups=True, traverse_pictures=True, included_content_layers=set(ContentLayer)
        )
        return [item for item, _ in walk if isinstance(item, DocItem)]

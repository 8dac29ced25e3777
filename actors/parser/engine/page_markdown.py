"""Writes the Markdown of a document page by page, in one pass over it.

Asking docling for one page's markdown walks the whole document each time; for a book that is quadratic. Here the
body's items are sorted by page once, and each page serializes only its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, TypeGuard, cast

from docling_core.transforms.serializer.base import BaseDocSerializer, BaseTableSerializer, SerializationResult
from docling_core.transforms.serializer.common import create_ser_result
from docling_core.transforms.serializer.markdown import (
    MarkdownDocSerializer,
    MarkdownParams,
    MarkdownTableSerializer,
    MarkdownTextSerializer,
)
from docling_core.types.doc.common.constants import DOCUMENT_TOKENS_EXPORT_LABELS
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, FloatingItem, NodeItem
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.text import TextItem
from docling_core.types.doc.labels import DocItemLabel
from pydantic import PrivateAttr

from actors.parser.engine.content import items_below
from actors.parser.engine.page_parts import parts_of
from actors.parser.engine.plain_text import plain_text

#: What Markdown escapes, and line breaks.
_MARKUP = re.compile(r"[_&<>\n]")


class PageTexts:
    """Markdown of a document's `layers`, as docling exports it: whole, by page and by table.

    `figures` also shows the words inside figures. Other `params` take the place of docling's.
    """

    def __init__(
        self,
        document: DoclingDocument,
        layers: set[ContentLayer],
        *,
        figures: bool = False,
        params: MarkdownParams | None = None,
        tables: BaseTableSerializer | None = None,
    ) -> None:
        self._document = document
        # Without validation: it goes through the whole document, and clips boxes that reach over the edge of a page.
        self._serializer = _PageSerializer.model_construct(
            doc=document,
            params=params or _params(layers, figures=figures),
            text_serializer=_PartSerializer(),
            table_serializer=tables or MarkdownTableSerializer(),
        )

    @cached_property
    def _roots(self) -> dict[int, list[NodeItem]]:
        """The top items of the body by page. An item is on the pages of everything below it."""
        roots: dict[int, list[NodeItem]] = {}
        for reference in self._document.body.children:
            root = reference.resolve(self._document)
            for page in self._serializer.pages_of(root):
                roots.setdefault(page, []).append(root)
        return roots

    @property
    def placed(self) -> bool:
        """Whether any item lies on a page."""
        return bool(self._roots)

    def whole(self) -> str:
        """The whole document."""
        plain = plain_text(self._document)
        if plain is not None:
            return plain
        self._serializer.show_only(None)
        return self._serializer.serialize().text

    def page(self, number: int) -> str:
        """What stands on a page. Of an item that runs over several pages, the part on this one."""
        self._serializer.show_only(number)
        return self._serializer.markdown_of(self._roots.get(number, []))

    def refs(self, number: int) -> set[str]:
        """The references of all items on a page, those of other layers too."""
        return self._serializer.refs_by_page.get(number, set())

    def table(self, table: TableItem) -> str:
        """One table with its caption."""
        self._serializer.show_only(None)
        return self._serializer.serialize(item=table).text


def _params(layers: set[ContentLayer], *, figures: bool) -> MarkdownParams:
    """As in `DoclingDocument.export_to_markdown`."""
    return MarkdownParams(labels=DOCUMENT_TOKENS_EXPORT_LABELS, layers=layers, traverse_pictures=figures)


class _PartSerializer(MarkdownTextSerializer):
    """docling's serializer for texts. It writes only the part of a text that stands on the page shown."""

    def serialize(self, *, item: TextItem, doc_serializer: BaseDocSerializer, **kwargs: Any) -> SerializationResult:
        if isinstance(doc_serializer, _PageSerializer):
            item = doc_serializer.part_of(item)
        return super().serialize(item=item, doc_serializer=doc_serializer, **kwargs)


@dataclass(slots=True)
class _Shown:
    """The page that is shown, None for all of them, and the references of what is not shown."""

    page: int | None = None
    excluded: Set[str] = frozenset()


class _PageSerializer(MarkdownDocSerializer):
    """docling's serializer with a lookup of each page's items, so that no page walks the whole document."""

    _excluded_everywhere: set[str] = PrivateAttr(default_factory=set)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._excluded_everywhere = set() if self._shows_everything() else super().get_excluded_refs()
        self.show_only(None)

    def _shows_everything(self) -> bool:
        """Whether every item of the layers has a label that is shown. So it is with nearly all documents."""
        layers, labels = self.params.layers, self.params.labels
        return all(item.label in labels for item in self._items if item.content_layer in layers) and all(
            table.content_layer in layers for table in self.doc.tables
        )

    def show_only(self, page: int | None) -> None:
        """Show only the items on `page`; None shows all."""
        everywhere = self._excluded_everywhere
        self._shown.page = page
        self._shown.excluded = everywhere if page is None else _HiddenRefs(everywhere, self._pages_by_ref, page)

    @cached_property
    def _shown(self) -> _Shown:
        return _Shown()  # not a private attribute: pydantic takes a microsecond to find one

    def markdown_of(self, roots: Iterable[NodeItem]) -> str:
        """The Markdown of some items and what is below them."""
        visited: set[str] = set()
        parts: list[str] = []
        for root in roots:
            if self._is_bare(root):
                parts.append(self._bare_text(root))
            else:
                parts += [part.text for part in self.get_parts(item=root, visited=visited)]
        return "\n\n".join(filter(None, parts))

    def serialize(
        self, *, item: NodeItem | None = None, visited: set[str] | None = None, **kwargs: Any
    ) -> SerializationResult:
        if item is not None and self._is_bare(item):
            return create_ser_result(text=self._bare_text(item), span_source=item)
        return super().serialize(item=item, visited=visited, **kwargs)

    def _is_bare(self, item: NodeItem) -> TypeGuard[TextItem]:
        """Whether Markdown has the item's text as it stands, formatted as a whole, and nothing else of it.

        So it is with nearly all items of a long document. docling's serializer of texts need not be asked.
        """
        return (
            type(item) is TextItem
            and item.label is DocItemLabel.TEXT
            and not (item.children or item.meta)
            and item.content_layer in self.params.layers
            and item.self_ref not in self._attached
            and item.self_ref not in self._shown.excluded
            and not _MARKUP.search(item.text)
        )

    def _bare_text(self, item: TextItem) -> str:
        text = self.part_of(item).text
        if item.formatting or item.hyperlink:
            return self.post_process(text, formatting=item.formatting, hyperlink=item.hyperlink)
        return text

    @cached_property
    def _attached(self) -> set[str]:
        """The references of captions and footnotes, which docling writes with the item that they belong to."""
        floating = [item for item in self._items if isinstance(item, FloatingItem)]
        return {ref.cref for item in floating for ref in (*item.captions, *item.footnotes)}

    def part_of(self, item: TextItem) -> TextItem:
        """The item with its text on the page shown."""
        page = self._shown.page
        if page is None or len(self._pages_by_ref.get(item.self_ref, ())) < 2:
            return item
        return item.model_copy(update={"text": parts_of(item)[page]})

    @cached_property
    def refs_by_page(self) -> dict[int, set[str]]:
        """The references of the items on each page."""
        refs: dict[int, set[str]] = {}
        for ref, pages in self._pages_by_ref.items():
            for page in pages:
                refs.setdefault(page, set()).add(ref)
        return refs

    @cached_property
    def _pages_by_ref(self) -> dict[str, set[int]]:
        """The pages of every item. An item without a place, such as a comment, is on the page of the item before it.

        Empty when nothing has a place.
        """
        placed = [item.prov[0].page_no for item in self._items if item.prov]
        if not placed:
            return {}
        page, pages = placed[0], {}
        for item in self._items:
            own = _pages_of(item) or {page}
            page = max(own)
            pages[item.self_ref] = own
        return pages

    def get_excluded_refs(self, **kwargs: Any) -> set[str]:
        return cast(set[str], self._shown.excluded)  # serializers only ask what is in it

    def pages_of(self, root: NodeItem) -> set[int]:
        """The pages that `root` and what is below it are on."""
        own = self._pages_by_ref.get(root.self_ref, set())
        return own.union(*(self._pages_by_ref.get(item.self_ref, ()) for item in items_below(self.doc, root)))

    @cached_property
    def _items(self) -> list[DocItem]:
        return list(items_below(self.doc, self.doc.body))


class _HiddenRefs(Set[str]):
    """`everywhere`, and every reference that is not on `page`. It is only asked: a set would have most of the document
    in it, for each page anew."""

    def __init__(self, everywhere: set[str], pages: Mapping[str, set[int]], page: int) -> None:
        self._everywhere, self._pages, self._page = everywhere, pages, page

    def __contains__(self, ref: object) -> bool:
        return ref in self._everywhere or (ref in self._pages and self._page not in self._pages[str(ref)])

    def __iter__(self) -> Iterator[str]:
        elsewhere = (ref for ref, pages in self._pages.items() if self._page not in pages)
        return iter(dict.fromkeys(chain(self._everywhere, elsewhere)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _pages_of(item: DocItem) -> set[int]:
    if isinstance(item, TextItem):
        return set(parts_of(item))
    return {place.page_no for place in item.prov[:1]}

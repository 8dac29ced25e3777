"""Cuts a stored document into chunks, each with the places of its items on the pages.

docling's chunkers leave out headings, pictures and whatever else has no text of its own. Here every item comes into a
chunk: a heading into the first chunk below it, any other item into the chunk of the item before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any

import orjson
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem
from docling_core.types.doc.items.text import SectionHeaderItem, TextItem, TitleItem
from docling_core.types.doc.labels import DocItemLabel

from actors.derivations import Chunks
from actors.parser.engine.chunkers import Piece, fitting, pieces_of
from actors.parser.engine.content import items_of
from actors.parser.engine.tokens import TokenCounter
from actors.tokenizer_files import TokenizerFile

#: Chunk ids are UUIDs of this namespace and the document, position and text, so that equal chunks have equal ids.
_CHUNK_IDS = uuid.UUID("5b0d3c0e-2a55-5c1b-9a0f-6e1c3f0a7d41")

#: The limit of chunkers that have none.
_NO_LIMIT = 1 << 30


def chunk(document_json: bytes, wanted: Chunks, tokenizer: TokenizerFile) -> bytes:
    """JSON lines: one about the whole (a ChunkedFile without its chunks), and then a Chunk on each line."""
    document = DoclingDocument.model_validate_json(document_json)
    counter = TokenCounter(file=tokenizer, max_tokens=wanted.options.max_tokens or _NO_LIMIT)
    cut = _Cut(document, wanted, counter)
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in (cut.head(), *cut.chunks()))


class _Cut:
    """A document, and how it is cut."""

    def __init__(self, document: DoclingDocument, wanted: Chunks, counter: TokenCounter) -> None:
        self._document = document
        self._wanted = wanted
        self._counter = counter

    def head(self) -> dict[str, Any]:
        options = self._wanted.options
        return {
            "chunker": options.chunker,
            "tokenizer": options.tokenizer,
            "max_tokens": options.max_tokens,
            "pages": self._sizes(self._document.pages),
        }

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The chunks that stand on a requested page; all of them when no page is named."""
        pages = self._wanted.pages
        for index, piece in enumerate(self._pieces()):
            made = self._chunk(index, piece)
            if pages is None or any(pages.first <= page <= pages.last for page in made["page_numbers"]):
                yield made

    def _pieces(self) -> list[Piece]:
        made = pieces_of(self._document, self._wanted.options, self._wanted.content, self._counter)
        fit = chain.from_iterable(fitting(piece, self._counter) for piece in made if piece.full_text.strip())
        return list(self._with_every_item(list(fit)))

    def _with_every_item(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """The pieces, with the items that are in none of them."""
        last = {ref: index for index, piece in enumerate(pieces) for ref in piece.refs}
        first = {ref: index for index, piece in reversed(list(enumerate(pieces))) for ref in piece.refs}
        added: list[list[str]] = [[] for _ in pieces]
        waiting: list[str] = []
        at = -1
        for ref, item in self._items.items():
            if ref in last:
                added[first[ref]] += waiting
                waiting, at = [], max(at, last[ref])
            elif at < 0 or isinstance(item, TitleItem | SectionHeaderItem):
                waiting.append(ref)
            else:
                added[at].append(ref)
        if pieces:
            added[-1] += waiting
        for piece, refs in zip(pieces, added, strict=True):
            yield from self._headings_apart(piece, refs)

    def _headings_apart(self, piece: Piece, added: Iterable[str]) -> Iterator[Piece]:
        """The piece with the items that are `added` to it. A heading that it does not show stands before it."""
        refs = {*piece.refs, *added} & self._items.keys()
        for ref in added:
            item = self._items[ref]
            if isinstance(item, TitleItem | SectionHeaderItem) and item.text not in piece.full_text:
                refs.remove(ref)
                yield from fitting(Piece(text=item.text, refs=(ref,)), self._counter)
        yield replace(piece, refs=tuple(sorted(refs, key=self._order.__getitem__)))

    def _chunk(self, index: int, piece: Piece) -> dict[str, Any]:
        items = [self._items[ref] for ref in piece.refs]
        places = sorted({place.page_no for item in items for place in item.prov})
        origin = self._document.origin
        named = f"{origin.binary_hash if origin else self._document.name}/{index}/{piece.full_text}"
        return {
            "id": str(uuid.uuid5(_CHUNK_IDS, named)),
            "index": index,
            "text": piece.full_text,
            "raw_text": piece.text,
            "num_tokens": self._counter.count_tokens(piece.full_text),
            "headings": piece.headings,
            "captions": [i.text for i in items if isinstance(i, TextItem) and i.label is DocItemLabel.CAPTION],
            "page_numbers": places,
            "items": [self._item(item) for item in items],
            "pages": self._sizes(places),
        }

    def _item(self, item: DocItem) -> dict[str, Any]:
        return {"ref": item.self_ref, "label": item.label, "boxes": list(self._boxes(item))}

    def _boxes(self, item: DocItem) -> Iterator[dict[str, Any]]:
        """The item's places in points from the top left corner of their pages."""
        for place in item.prov:
            if place.page_no in self._document.pages:
                box = place.bbox.to_top_left_origin(self._document.pages[place.page_no].size.height)
                bbox = [round(side, 2) for side in (box.l, box.t, box.r, box.b)]
                yield {"page": place.page_no, "bbox": bbox, "origin": "top-left"}

    def _sizes(self, pages: Iterable[int]) -> dict[str, dict[str, float]]:
        sizes = {page: self._document.pages[page].size for page in pages if page in self._document.pages}
        return {str(page): {"width": size.width, "height": size.height} for page, size in sizes.items()}

    @cached_property
    def _items(self) -> dict[str, DocItem]:
        """The items that chunks are about, in reading order."""
        return {item.self_ref: item for item in items_of(self._document, self._wanted.content)}

    @cached_property
    def _order(self) -> dict[str, int]:
        return {ref: place for place, ref in enumerate(self._items)}

"""docling's chunkers, and one for pages: a document in pieces, of which some items may be in none yet."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import cast

from docling_core.transforms.chunker.base import BaseChunk, BaseChunker
from docling_core.transforms.chunker.doc_chunk import DocChunk
from docling_core.transforms.chunker.hierarchical_chunker import (
    ChunkingDocSerializer,
    ChunkingSerializerProvider,
    HierarchicalChunker,
    TripletTableSerializer,
)
from docling_core.transforms.chunker.hybrid_chunker import HybridChunker
from docling_core.transforms.chunker.line_chunker import LineBasedTokenChunker
from docling_core.transforms.serializer.base import BaseDocSerializer, BaseTableSerializer
from docling_core.transforms.serializer.markdown import MarkdownParams, MarkdownTableSerializer
from docling_core.types.doc.base import ImageRefMode
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table import TableItem
from semchunk import semchunk

from actors.parser.engine.content import items_of, layers_of, shows_figures
from actors.parser.engine.page_markdown import PageTexts
from actors.parser.engine.tokens import TokenCounter
from client.options import ChunkOptions, Content, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a document: its text under its headings, and the references of its items in the document."""

    text: str
    headings: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()

    @property
    def full_text(self) -> str:
        """The headings and the text."""
        return "\n".join(part for part in (*self.headings, self.text) if part)


def pieces_of(
    document: DoclingDocument, options: ChunkOptions, content: Collection[Content], counter: TokenCounter
) -> list[Piece]:
    """The `content` of a document, cut by the chunker of the options. Only `hybrid` looks at the number of tokens."""
    if options.chunker == "page":
        return list(_pages(document, content, options.tables))
    provider = _Serializer(document, _params(content), _TABLES[options.tables]())
    chunker: BaseChunker
    if options.chunker == "hybrid":
        chunker = _Hybrid(
            tokenizer=counter, serializer_provider=provider, merge_peers=options.merge_peers, always_emit_headings=True
        )
    else:
        chunker = HierarchicalChunker(serializer_provider=provider, always_emit_headings=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headings and tables that have to be cut
        return [_piece(chunk) for chunk in chunker.chunk(document)]


def fitting(piece: Piece, counter: TokenCounter) -> Iterator[Piece]:
    """The piece in parts of at most `counter.max_tokens`, cut between lines where possible, each under its headings.

    Headings that would take more than half of a part are left out.
    """
    if counter.count_tokens(piece.full_text) <= counter.max_tokens:
        yield piece
        return
    prefix = "".join(f"{heading}\n" for heading in piece.headings)
    headings = piece.headings
    if counter.count_tokens(prefix) > counter.max_tokens // 2:
        prefix, headings = "", ()
    lines = LineBasedTokenChunker(
        tokenizer=counter,
        prefix=prefix,
        omit_prefix_on_overflow=False,
        serializer_provider=ChunkingSerializerProvider(),
    )
    for text in lines.chunk_text(piece.text.splitlines(keepends=True)):
        yield Piece(text=text.removeprefix(prefix).strip("\n"), headings=headings, refs=piece.refs)


_TABLES: dict[Tables, type[BaseTableSerializer]] = {
    "markdown": MarkdownTableSerializer,
    "triplets": TripletTableSerializer,
}


class _Serializer(ChunkingSerializerProvider):
    """docling's serializer for chunks. It is made once for a document, because that walks the whole document."""

    def __init__(self, document: DoclingDocument, params: MarkdownParams, tables: BaseTableSerializer) -> None:
        self._serializer = ChunkingDocSerializer(doc=document, params=params, table_serializer=tables)

    def get_serializer(self, doc: DoclingDocument) -> BaseDocSerializer:
        return self._serializer


class _Hybrid(HybridChunker):
    """docling's chunker, in a fraction of its time."""

    def contextualize(self, chunk: BaseChunk) -> str:
        assert isinstance(chunk, DocChunk)
        return "\n".join([*(chunk.meta.headings or ()), chunk.text])

    def _split_using_plain_text(self, doc_chunk: DocChunk, doc_serializer: BaseDocSerializer) -> list[DocChunk]:
        """As in docling, which makes a copy of each chunk that fits by way of JSON."""
        if self.tokenizer.count_tokens(self.contextualize(doc_chunk)) <= self.max_tokens:
            return [doc_chunk]
        return super()._split_using_plain_text(doc_chunk, doc_serializer)

    def segment(self, doc_chunk: DocChunk, available_length: int, doc_serializer: BaseDocSerializer) -> list[str]:
        """As in docling, but for two things.

        Given a tokenizer instead of a counter, semchunk keeps every text for good. And docling takes every table for
        one in Markdown.
        """
        assert isinstance(doc_serializer, ChunkingDocSerializer)
        if isinstance(doc_serializer.table_serializer, MarkdownTableSerializer) and _is_table(doc_chunk):
            return super().segment(doc_chunk, available_length, doc_serializer)
        segments = semchunk.chunk(doc_chunk.text, available_length, self.tokenizer.count_tokens, memoize=False)
        return cast(list[str], segments)  # it returns offsets too, but only on request


def _is_table(chunk: DocChunk) -> bool:
    return [type(item) for item in chunk.meta.doc_items] == [TableItem]


def _piece(chunk: BaseChunk) -> Piece:
    """A chunk without text is about the last of its headings; docling lists those above it, too."""
    assert isinstance(chunk, DocChunk)
    refs = tuple(item.self_ref for item in chunk.meta.doc_items)
    return Piece(text=chunk.text, headings=tuple(chunk.meta.headings or ()), refs=refs if chunk.text else refs[-1:])


def _params(content: Collection[Content]) -> MarkdownParams:
    """Text for a model: without escapes, and without the columns of tables in line, which cost many tokens."""
    return MarkdownParams(
        layers=layers_of(content),
        traverse_pictures=shows_figures(content),
        image_mode=ImageRefMode.PLACEHOLDER,
        image_placeholder="",
        escape_underscores=False,
        escape_html=False,
        compact_tables=True,
    )


def _pages(document: DoclingDocument, content: Collection[Content], tables: Tables) -> Iterator[Piece]:
    """A piece for each page; one for a document without pages."""
    texts = PageTexts(document, layers_of(content), params=_params(content), tables=_TABLES[tables]())
    if not texts.placed:
        yield Piece(text=texts.whole(), refs=tuple(item.self_ref for item in items_of(document, content)))
        return
    for number in sorted(document.pages):
        yield Piece(text=texts.page(number), refs=tuple(texts.refs(number)))

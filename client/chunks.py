"""The wire contract of chunks: a document in pieces that fit an embedding model, each with its places on the pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from client.models import Wire
from client.options import Chunker


class ChunkBox(Wire):
    """Where an item stands: `bbox` is [left, top, right, bottom] in points from the page's top left corner."""

    page: int
    bbox: tuple[float, float, float, float]
    origin: Literal["top-left"] = "top-left"


class ChunkItem(Wire):
    """An item of the document: its JSON pointer in `format=json`, and its places on the pages."""

    ref: str
    label: str
    boxes: list[ChunkBox]


class PageSize(Wire):
    """The size of a page in points."""

    width: float
    height: float


class Chunk(Wire):
    """A piece of a document. `text` is what to embed: the headings above the piece, and `raw_text`, the piece itself.

    The same document under the same options has the same `id`s. `file` and `pages` are in JSON lines only, where each
    line has to stand alone.
    """

    id: str
    index: int
    text: str
    raw_text: str
    num_tokens: int
    headings: list[str]
    captions: list[str]
    page_numbers: list[int]
    items: list[ChunkItem]
    file: int | None = None
    filename: str | None = None
    pages: dict[str, PageSize] = Field(default_factory=dict)


class ChunkedFile(Wire):
    """`format=chunks` for one file. `max_tokens` is null when nothing limits the chunks."""

    file: int
    filename: str
    chunker: Chunker
    tokenizer: str
    max_tokens: int | None
    chunks: list[Chunk]
    pages: dict[str, PageSize]

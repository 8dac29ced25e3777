"""docling-serve's chunking options as a table, and what an answer with chunks needs to know."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from client.options import ChunkOptions
from serve_app.docling_v1.loose_types import Flag, Text, as_one
from serve_app.docling_v1.rules import Ignored, Native, Only, Reply, made, native_values, without_what_is_not_set

Chunker = Literal["hybrid", "hierarchical"]


class ChunkingRequest(BaseModel):
    """The chunking options of a request. Unknown ones are ignored, as docling-serve does."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")

    use_markdown_tables: Annotated[Flag, Reply()] = False
    use_markdown_images: Annotated[Flag, Only((False,))] = False
    image_placeholder: Annotated[Any, Ignored("a picture is an item of its chunk, and not in the text")] = None
    include_raw_text: Annotated[Flag, Reply()] = False
    max_tokens: Annotated[int | None, as_one, Native("max_tokens")] = None
    tokenizer: Annotated[Text | None, Native("tokenizer")] = None
    merge_peers: Annotated[Flag, Native("merge_peers")] = True

    _drop_empty = without_what_is_not_set


class Chunking(BaseModel):
    """How the documents of a task are cut, and what its answer has beside the chunks."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    options: ChunkOptions
    include_raw_text: bool = False
    include_document: bool = False


def chunking_of(sent: ChunkingRequest, chunker: Chunker, *, include_document: bool) -> Chunking:
    """Raises Refused for an option that this server cannot do."""
    native, _ = native_values(sent)
    tables = "markdown" if sent.use_markdown_tables else "triplets"
    options = made(ChunkOptions, {"chunker": chunker, "tables": tables, **native})
    return Chunking(options=options, include_raw_text=sent.include_raw_text, include_document=include_document)

"""The query parameters of `GET /jobs/{id}/results`, as far as they depend on each other.

`chunk_options` and `export_style` wait for nothing. They are coroutines because FastAPI would start a thread for a
function, which takes a third of the time of the whole request.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from actors.derivations import ExportStyle
from client.models import ChunkFormat, ChunkOptions, ErrorCode, ExportFormat, ImageMode
from client.options import LEAST_TOKENS, MOST_TOKENS, Chunker, Tables
from serve_app.problems import Refused

EXPORTS = (*(str(form) for form in ExportFormat if form is not ExportFormat.NODES), "zip")
WITH_PAGE_BREAKS = ("markdown", "text", "zip")

_FORMATS = ", ".join(f"'{form}'" for form in (*ExportFormat, *ChunkFormat, "confidence"))


def one_error(name: str, message: str) -> GetPydanticSchema:
    """Gives a type one error in place of pydantic's own, which are one for each member of a union."""

    def schema(source: Any, schema_of: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(schema_of(source), name, custom_error_message=message)

    return GetPydanticSchema(schema)


#: The values of `format`.
ResultFormat = Annotated[
    ExportFormat | ChunkFormat | Literal["confidence", "zip"],
    one_error("format", f"Input should be {_FORMATS} or 'zip'"),
]


async def chunk_options(
    chunker: Annotated[Chunker | None, Query(description="How to cut; default: hybrid")] = None,
    max_tokens: Annotated[
        int | None,
        Query(
            ge=LEAST_TOKENS,
            le=MOST_TOKENS,
            description="Most tokens of a chunk; default: those that the tokenizer's model reads (hybrid), or no limit",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None, Query(max_length=200, description="What counts the tokens: the name of an embedding model")
    ] = None,
    merge_peers: Annotated[
        bool | None, Query(description="Join small neighbours under the same headings (hybrid); default: true")
    ] = None,
    tables: Annotated[Tables | None, Query(description="How to write tables; default: markdown")] = None,
) -> ChunkOptions:
    """The query parameters of `format=chunks` and `format=chunks.jsonl`."""
    given = {
        "chunker": chunker,
        "max_tokens": max_tokens,
        "tokenizer": tokenizer,
        "merge_peers": merge_peers,
        "tables": tables,
    }
    return ChunkOptions.model_validate({name: value for name, value in given.items() if value is not None})


async def export_style(
    images: Annotated[
        ImageMode | None,
        Query(
            description="How exports show pictures: not at all, as a mark, as links to files of their own, or embedded;"
            " default: embedded if they were kept"
        ),
    ] = None,
    page_break: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Text between pages, in Markdown and text")
    ] = None,
) -> ExportStyle:
    """The query parameters of exports."""
    return ExportStyle(images=images, page_break=page_break)


def check_style(form: str, style: ExportStyle) -> None:
    """Raises Refused when a format has no pictures or pages to show."""
    if style.images and form not in EXPORTS:
        raise Refused(ErrorCode.INVALID_REQUEST, f"images only with format={', '.join(EXPORTS)}")
    if style.page_break and form not in WITH_PAGE_BREAKS:
        raise Refused(ErrorCode.INVALID_REQUEST, f"page_break only with format={', '.join(WITH_PAGE_BREAKS)}")


def check_together(form: str, chunking: ChunkOptions, *, pages: bool, partial: bool) -> None:
    """Raises Refused when the parameters that are given do not go with the format, or with each other."""
    of_chunks = ", ".join(sorted(chunking.model_fields_set))
    if of_chunks and form not in list(ChunkFormat):
        raise Refused(ErrorCode.INVALID_REQUEST, f"{of_chunks} only with format=chunks or format=chunks.jsonl")
    if pages and form not in (ExportFormat.NODES, *ChunkFormat):
        raise Refused(ErrorCode.INVALID_REQUEST, "pages needs format=nodes, chunks or chunks.jsonl")
    if partial and form != ExportFormat.NODES:
        raise Refused(ErrorCode.INVALID_REQUEST, "partial needs format=nodes")
    if pages and partial:
        raise Refused(ErrorCode.INVALID_REQUEST, "pages and partial cannot be combined; send one of them")

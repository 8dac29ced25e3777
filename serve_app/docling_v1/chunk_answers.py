"""The answer of a task of `/v1/chunk`: the chunks of all its documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from actors.messages import JobView
from client.chunks import Chunk
from serve_app.chunk_results import ChunkResults
from serve_app.docling_v1.chunking import Chunking
from serve_app.docling_v1.documents import Documents
from serve_app.docling_v1.models import ChunkedDocument
from serve_app.docling_v1.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class ChunkAnswers:
    documents: Documents
    chunks: ChunkResults
    chunking: Chunking

    async def response(self, view: JobView) -> AsyncIterator[bytes]:
        """A ChunkDocumentResponse."""
        yield b'{"chunks":['
        separator = b""
        for index, file in enumerate(view.files):
            async for lines in self.chunks.lines(view, index, self.chunking.options) if file.success else _nothing():
                converted = await asyncio.to_thread(self._converted, lines)
                if converted:
                    yield separator + converted
                    separator = b","
        yield b'],"documents":['
        for index in range(len(view.files)):
            yield b"," if index else b""
            async for piece in self._document(view, index):
                yield piece
        seconds = view.totals()["total_processing_time_ms"] / 1000
        yield b"]," + orjson.dumps({"processing_time": seconds})[1:]

    def _converted(self, lines: bytes) -> bytes:
        chunks = (self._chunk(Chunk.model_validate_json(line)) for line in lines.splitlines())
        return b",".join(chunk.model_dump_json().encode() for chunk in chunks)

    def _chunk(self, chunk: Chunk) -> ChunkedDocument:
        return ChunkedDocument(
            filename=chunk.filename or "",
            chunk_index=chunk.index,
            text=chunk.text,
            raw_text=chunk.raw_text if self.chunking.include_raw_text else None,
            num_tokens=chunk.num_tokens,
            headings=chunk.headings or None,
            captions=chunk.captions or None,
            doc_items=[item.ref for item in chunk.items],
            page_numbers=chunk.page_numbers or None,
            metadata=chunk.model_dump(mode="json", include={"id", "items", "pages"}),
        )

    async def _document(self, view: JobView, index: int) -> AsyncIterator[bytes]:
        """An ExportResult."""
        yield b'{"kind":"ExportResult","content":'
        async for piece in self.documents.export(view, index):
            yield piece
        end = await Outcomes(self.documents.results).of(view, index)
        rest: dict[str, object] = {
            "status": end.status,
            "errors": [error.model_dump() for error in end.errors],
            "timings": {},
        }
        yield b"," + orjson.dumps(rest)[1:]


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""

"""The chunks of a job's documents, as JSON or as JSON lines, streamed from the blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from starlette.responses import Response

from actors.blobs.keys import results_of
from actors.derivations import Chunks
from actors.messages import JobView, PageSpan
from actors.tokenizer_files import find_tokenizer
from client.models import ChunkFormat, ChunkOptions
from serve_app.derived import DerivedBlobs
from serve_app.results import JSON, body, check_completed, disposition, etag, existing, failed_file, of_all_files

JSON_LINES = "application/x-ndjson"

_SUFFIXES: Mapping[ChunkFormat, str] = {ChunkFormat.CHUNKS: "chunks.json", ChunkFormat.LINES: "chunks.jsonl"}


def complete(options: ChunkOptions, tokenizers: Path | None) -> ChunkOptions:
    """The options with a tokenizer and, for `hybrid`, a limit. Raises UnknownTokenizer."""
    tokenizer = find_tokenizer(options.tokenizer, tokenizers)
    usual = tokenizer.max_tokens if options.chunker == "hybrid" else None
    return options.model_copy(update={"tokenizer": tokenizer.name, "max_tokens": options.max_tokens or usual})


@dataclass(frozen=True, slots=True)
class ChunkResults:
    derived: DerivedBlobs
    tokenizers: Path | None

    async def answer(
        self, view: JobView, form: ChunkFormat, index: int | None, options: ChunkOptions, pages: PageSpan | None
    ) -> Response:
        """The chunks of one file or of all files. Raises Refused when there are none, and UnknownTokenizer."""
        check_completed(view)
        cut = _Cut(self.derived, view, complete(options, self.tokenizers), pages)
        if index is None and len(view.files) > 1:
            if form is ChunkFormat.CHUNKS:
                return await of_all_files(view, cut.whole)
            parsed = [number for number, file in enumerate(view.files) if file.document]
            return await body(cut.lines(parsed), JSON_LINES, etag(view) | disposition(view.job_id, form))
        index = index or 0
        headers = etag(view) | disposition(view.files[index].filename, _SUFFIXES[form])
        if form is ChunkFormat.CHUNKS:
            return await body(cut.whole(index), JSON, headers)
        return await body(cut.lines([index]), JSON_LINES, headers)

    def lines(self, view: JobView, index: int, options: ChunkOptions) -> AsyncIterator[bytes]:
        """The chunks of one file in pieces of whole JSON lines. `options` are complete."""
        return _Cut(self.derived, view, options, None).lines([index])


@dataclass(frozen=True, slots=True)
class _Cut:
    """The documents of a job, and how they are cut."""

    derived: DerivedBlobs
    view: JobView
    options: ChunkOptions
    pages: PageSpan | None

    async def whole(self, index: int) -> AsyncIterator[bytes]:
        """The ChunkedFile of a file."""
        separator = b""
        async for head, lines in self._batches(index):
            if head is not None:
                yield self._begin(index) + head[1:-1] + b',"chunks":['
            if lines:
                yield separator + b",".join(lines)
                separator = b","
        yield b"]}"

    async def lines(self, files: Iterable[int]) -> AsyncIterator[bytes]:
        """A Chunk on each line. A line also names its file."""
        for index in files:
            begin = self._begin(index)
            async for _, lines in self._batches(index):
                yield b"".join(begin + line[1:] + b"\n" for line in lines)

    def _begin(self, index: int) -> bytes:
        """The start of a JSON object about a file."""
        return orjson.dumps({"file": index, "filename": self.view.files[index].filename})[:-1] + b","

    async def _batches(self, index: int) -> AsyncIterator[tuple[bytes | None, list[bytes]]]:
        """The lines of the stored chunks as they come. The first batch also has the line about the whole."""
        rest, head = b"", None
        async for piece in self._stored(index):
            *lines, rest = (rest + piece).split(b"\n")
            if head is None and lines:
                head, *lines = lines
                yield head, lines
            else:
                yield None, lines

    def _stored(self, index: int) -> AsyncIterator[bytes]:
        file = self.view.files[index]
        if file.document is None:
            raise failed_file(file)
        wanted = Chunks(
            job_id=self.view.job_id,
            folder=f"{results_of(self.view.job_id)}/{index}",
            source=file.document,
            content=self.view.content,
            options=self.options,
            pages=self.pages,
        )
        return existing(self.view, self.derived.stream(wanted))

"""Reads the JSON requests. A file in them is a string in base64, decoded and stored while it is read."""

from __future__ import annotations

import binascii
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
from starlette.requests import Request

from actors.messages import InputFile
from client.models import ErrorCode, UrlSource
from serve_app.docling_v1.chunking import Chunker, chunking_of
from serve_app.docling_v1.files import FileStore, named
from serve_app.docling_v1.json_strings import LongString, split_long_strings
from serve_app.docling_v1.models import InvalidValue
from serve_app.docling_v1.requests import (
    ChunkRequest,
    ConvertRequest,
    FileSource,
    HttpSource,
    Invalid,
    Received,
    SourceRequest,
    check_callbacks,
    checked,
    checked_target,
    chunks_asked_for,
)
from serve_app.problems import Refused
from serve_app.uploads import bounded, check_encoding

#: Bytes of a request beside its files, at most.
MAX_REST = 16 * 1024 * 1024

#: Line breaks within base64, and the backslash that some encoders write before a slash.
_NOT_BASE64 = re.compile(rb"\\[nrt]|\\(?=/)|\s")


async def receive_json(request: Request, store: FileStore, limit: int) -> Received:
    """A request to convert, with its files in the store. Raises Refused and Invalid."""
    reader = _Reader(store)
    sent = checked(ConvertRequest, await reader.read(_body_of(request, limit)))
    target = checked_target(sent.target.kind)
    chunking = chunks_asked_for(sent.options, target)
    files = await reader.files_of(sent)
    return Received(task="convert", files=files, options=sent.options, target=target, chunking=chunking)


async def receive_json_to_chunk(request: Request, store: FileStore, limit: int, *, chunker: Chunker) -> Received:
    """A request for chunks, with its files in the store. Raises Refused and Invalid."""
    reader = _Reader(store)
    sent = checked(ChunkRequest, await reader.read(_body_of(request, limit)))
    target = checked_target(sent.target.kind)
    chunking = chunking_of(sent.chunking_options, chunker, include_document=sent.include_converted_doc)
    files = await reader.files_of(sent)
    return Received(task="chunk", files=files, options=sent.convert_options, target=target, chunking=chunking)


def _body_of(request: Request, limit: int) -> AsyncIterator[bytes]:
    check_encoding(request.headers.get("content-encoding", ""))
    return bounded(request.stream(), limit * 4 // 3 + MAX_REST)


class _Reader:
    """Stores the long strings of a request as files, and leaves a mark in place of each."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._mark = uuid4().hex  # so that no client can write one
        self._files: dict[str, InputFile | None] = {}

    async def read(self, body: AsyncIterator[bytes]) -> object:
        """The JSON with marks. Raises Refused when it is malformed."""
        rest = bytearray()
        async for piece in split_long_strings(body):
            rest += await self._stored(piece) if isinstance(piece, LongString) else piece
            if len(rest) > MAX_REST:
                reason = f"The request has more than {MAX_REST} bytes beside its files"
                raise Refused(ErrorCode.FILE_TOO_LARGE, reason)
        try:
            return orjson.loads(rest)
        except orjson.JSONDecodeError as error:
            raise Refused(ErrorCode.MALFORMED_REQUEST, f"The body is not JSON: {error.msg}") from error

    async def files_of(self, sent: SourceRequest) -> tuple[InputFile, ...]:
        """The files of a request, in its order. Raises Refused and Invalid."""
        check_callbacks(sent.callbacks)
        return tuple([await self._file_of(source, index) for index, source in enumerate(sent.sources)])

    async def _file_of(self, source: FileSource | HttpSource, index: int) -> InputFile:
        if isinstance(source, HttpSource):
            return self._store.fetched(UrlSource(url=source.url, headers=source.headers), index)
        text = source.base64_string
        file = self._files[text] if text in self._files else await self._decoded(_whole(text.encode()))
        if file is None:
            where: list[str | int] = ["body", "sources", index, "file", "base64_string"]
            raise Invalid([InvalidValue(type="base64", loc=where, msg="base64_string is not valid base64")])
        return named(file, source.filename)

    async def _stored(self, string: LongString) -> bytes:
        mark = f"{self._mark}-{len(self._files)}"
        self._files[mark] = await self._decoded(string.data())
        return mark.encode()

    async def _decoded(self, text: AsyncIterator[bytes]) -> InputFile | None:
        """The file, or None when the text is not base64."""
        try:
            return await self._store.add(_from_base64(text))
        except binascii.Error:
            return None


async def _whole(text: bytes) -> AsyncIterator[bytes]:
    yield text


async def _from_base64(text: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The decoded data. Raises binascii.Error."""
    left = b""
    async for piece in text:
        clean = left + _NOT_BASE64.sub(b"", piece)
        end = len(clean) // 4 * 4
        left = clean[end:]
        yield binascii.a2b_base64(clean[:end], strict_mode=True)
    if left:
        raise binascii.Error("the text ends within a group of four characters")

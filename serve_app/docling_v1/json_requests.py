"""Reads the JSON requests. A file in them is a string in base64, decoded and stored while it is read."""

from __future__ import annotations

import binascii
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
from starlette.requests import Request

from actors.messages import InputFile
from client.models import ErrorCode
from serve_app.docling_v1.files import FileStore, named
from serve_app.docling_v1.json_strings import LongString, split_long_strings
from serve_app.docling_v1.models import InvalidValue
from serve_app.docling_v1.requests import (
    ConvertRequest,
    FileSource,
    HttpSource,
    Invalid,
    SourceRequest,
    check_callbacks,
    checked,
    checked_target,
)
from serve_app.problems import Refused
from serve_app.uploads import bounded, check_encoding

#: Bytes of a request beside its files, at most.
MAX_REST = 16 * 1024 * 1024

#: Line breaks within base64, and the backslash that some encoders write before a slash.
_NOT_BASE64 = re.compile(rb"\\[nrt]|\\(?=/)|\s")


async def receive_json(request: Request, store: FileStore, limit: int) -> ConvertRequest:
    """The request, with its files in the store. Raises Refused and Invalid."""
    check_encoding(request.headers.get("content-encoding", ""))
    body = bounded(request.stream(), limit * 4 // 3 + MAX_REST)
    reader = _Reader(store)
    sent = checked(SourceRequest, await reader.read(body))
    check_callbacks(sent.callbacks)
    target = checked_target(sent.target.kind)
    files = [await reader.file_of(source, index) for index, source in enumerate(sent.sources)]
    return ConvertRequest(files=tuple(files), options=sent.options, target=target)


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

    async def file_of(self, source: FileSource | HttpSource, index: int) -> InputFile:
        """The stored file of a source. Raises Refused and Invalid."""
        if isinstance(source, HttpSource):
            raise Refused(ErrorCode.INVALID_REQUEST, "http sources are not supported; send the files themselves")
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

"""Reads a multipart/form-data body as a stream of parts, with one chunk in memory at a time.

    async for part in multipart_parts(body, content_type):
        async for chunk in part.data():
            ...

python-multipart does the parsing. Starlette's form parser is not used because it writes every file to the local disk.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from enum import Enum
from typing import Final, TypeAlias

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from client.models import ErrorCode
from serve_app.problems import Refused

#: Bytes of one header line of a part, at most. This also limits the length of a file name.
MAX_HEADER_BYTES = 8 * 1024

_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")


class _Mark(Enum):
    END_OF_PART = 1
    END_OF_BODY = 2


_END_OF_PART: Final = _Mark.END_OF_PART
_END_OF_BODY: Final = _Mark.END_OF_BODY


class Part:
    """One part. Read its data before the next part is requested; unread data is skipped."""

    def __init__(self, body: _Body, name: str, filename: str | None) -> None:
        self._body = body
        self.name = name
        self.filename = filename

    async def data(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._body.next(), bytes):
            yield event


_Event: TypeAlias = Part | bytes | _Mark


async def multipart_parts(chunks: AsyncIterator[bytes], content_type: str) -> AsyncIterator[Part]:
    """The parts of a body in order. Raises Refused when the body does not match its content type."""
    body = _Body(chunks, _boundary(content_type))
    while (event := await body.next()) is not _END_OF_BODY:
        if isinstance(event, Part):
            yield event


def _boundary(content_type: str) -> bytes:
    kind, parameters = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        what = f"The Content-Type is {kind.decode('latin-1')}" if kind else "There is no Content-Type"
        how = "Send a multipart/form-data body with a part named 'files' for each file"
        raise Refused(ErrorCode.NO_FILES, f"The request has no files. {how}. {what}")
    if not (boundary := parameters.get(b"boundary")):
        raise _malformed("the Content-Type header has no boundary")
    return boundary


def _malformed(reason: str) -> Refused:
    return Refused(ErrorCode.MALFORMED_REQUEST, f"The multipart body is malformed: {reason}")


class _Body:
    """Feeds chunks to the parser and returns its events one by one."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        self._chunks = chunks
        self._events: deque[_Event] = deque()
        self._header_name = b""
        self._header_value = b""
        self._disposition = ""
        try:
            self._parser = self._make_parser(boundary)
        except FormParserError as error:
            raise _malformed(str(error)) from error

    async def next(self) -> _Event:
        while not self._events:
            chunk = await anext(self._chunks, b"")
            if not chunk:  # Starlette ends with an empty chunk
                raise _malformed("the body ends before its last boundary")
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _malformed(str(error)) from error
        return self._events.popleft()

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
                "on_part_end": lambda: self._events.append(_END_OF_PART),
                "on_end": lambda: self._events.append(_END_OF_BODY),
            },
            max_header_size=MAX_HEADER_BYTES,
        )

    def _on_part_begin(self) -> None:
        self._disposition = ""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("latin-1")
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        if (name := parameters.get(b"name")) is None:
            raise _malformed("a part has no name")
        self._events.append(Part(self, _text(name), _filename(self._disposition, parameters.get(b"filename"))))


def _filename(disposition: str, plain: bytes | None) -> str | None:
    """The name of a part's file. Some clients send it as `filename*` (RFC 5987), with or without `filename`."""
    if "filename*" in disposition:
        message = Message()
        message["Content-Disposition"] = disposition
        for name, value in message.get_params([], "Content-Disposition"):
            if name == "filename" and isinstance(value, tuple):
                with suppress(UnicodeError):  # Python knows codecs that decode nothing
                    return collapse_rfc2231_value(value)
    return None if plain is None else _decoded(_text(plain))


def _decoded(name: str) -> str:
    """A name without the encoding of RFC 2047, which .NET's client uses."""
    if not _ENCODED_WORD.fullmatch(name):
        return name
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, ValueError):  # then it is a name that only looks like an encoded one
        return name


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

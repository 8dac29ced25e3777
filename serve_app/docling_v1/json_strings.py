"""Splits JSON, while it is read, into its long strings and the rest, so that no long string is in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

#: Bytes of a string, without its quotes, that are still part of the rest.
SHORT = 16 * 1024

#: The content of a string, up to its closing quote. A backslash at the end waits for the character after it.
_CONTENT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class LongString:
    """A string of more than SHORT bytes. Read its data before the next event is requested; unread data is skipped."""

    def __init__(self, start: bytes, rest: AsyncIterator[bytes]) -> None:
        self._start = start
        self._rest = rest

    async def data(self) -> AsyncIterator[bytes]:
        """The content with its escapes. No piece ends within an escape of two characters."""
        yield self._start
        async for piece in self._rest:
            yield piece


async def split_long_strings(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | LongString]:
    """The JSON in order. The joined pieces have `""` in place of each long string."""
    reader = _Reader(chunks)
    while outside := await reader.outside_of_strings():
        yield outside
        if not outside.endswith(b'"'):
            continue
        content = reader.in_string()
        start = b""
        async for piece in content:
            start += piece
            if len(start) > SHORT:
                yield LongString(start, content)
                async for _ in content:  # skip what was not read
                    pass
                start = b""
        yield start + b'"'


class _Reader:
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    async def outside_of_strings(self) -> bytes:
        """What comes before the next string, with its opening quote; empty at the end."""
        data = self._left or await self._next()
        before, quote, self._left = data.partition(b'"')
        return before + quote

    async def in_string(self) -> AsyncIterator[bytes]:
        """The content of a string in pieces. Also ends where the JSON breaks off."""
        data = self._left or await self._next()
        while data:
            found = _CONTENT.match(data)
            end = found.end() if found else 0
            self._left = data[end + 1 :]
            yield data[:end]
            if data[end : end + 1] == b'"':
                return
            more = await self._next()
            data = data[end:] + more if more else b""

    async def _next(self) -> bytes:
        return await anext(self._chunks, b"")

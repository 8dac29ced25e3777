"""Reads the body of an answer: counts and hashes it, unpacks gzip, and stops at a limit."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator

from actors.errors import FileError
from client.models import ErrorCode

PIECE = 64 * 1024  # bytes that are unpacked at a time
_GZIP = 16 + zlib.MAX_WBITS


class Body:
    """The body from `host`, which may have `limit` bytes, as sent and unpacked."""

    def __init__(self, host: str, limit: int) -> None:
        self._host = host
        self._limit = limit
        self._received = 0
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def check_announced(self, length: bytes) -> None:
        """Raises FileError when the Content-Length is above the limit."""
        if length.isdigit():
            self._check(int(length))

    async def counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks as they are sent. Raises FileError above the limit."""
        async for chunk in chunks:
            self._received += len(chunk)
            self._check(self._received)
            yield chunk

    def take(self, piece: bytes) -> None:
        """Count and hash unpacked bytes. Raises FileError above the limit."""
        self.size += len(piece)
        self._check(self.size)
        self._hash.update(piece)

    def _check(self, size: int) -> None:
        if size > self._limit:
            message = f"File too large: the file at {self._host} is larger than {self._limit} bytes"
            raise FileError(ErrorCode.FILE_TOO_LARGE, message)


async def decoded(chunks: AsyncIterator[bytes], encoding: str, host: str) -> AsyncIterator[bytes]:
    """The bytes of the file itself. We ask for an unpacked file, but some servers only have a gzipped one.

    Raises FileError for another Content-Encoding, and for damaged gzip.
    """
    match encoding.strip().lower():
        case "" | "identity":
            async for chunk in chunks:
                yield chunk
        case "gzip" | "x-gzip":
            unpacker = zlib.decompressobj(_GZIP)
            async for chunk in chunks:
                for piece in _unpacked(unpacker, chunk, host):
                    yield piece
            if not unpacker.eof or unpacker.unused_data:
                raise _not_gzip(host)
        case _:
            message = f"{host} sent the file with a Content-Encoding that is not supported, although none was asked for"
            raise FileError(ErrorCode.SOURCE_FAILED, message)


def _unpacked(unpacker: zlib._Decompress, packed: bytes, host: str) -> Iterator[bytes]:
    """What `packed` unpacks to, in pieces: a bomb is noticed before it is in memory."""
    while packed or not unpacker.eof:
        try:
            piece = unpacker.decompress(packed, PIECE)
        except zlib.error as error:
            raise _not_gzip(host) from error
        packed = unpacker.unconsumed_tail
        if piece:
            yield piece
        if unpacker.eof or (not packed and len(piece) < PIECE):
            return


def _not_gzip(host: str) -> FileError:
    return FileError(ErrorCode.SOURCE_FAILED, f"{host} sent damaged gzip data")

"""The interface of a blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol


class BlobWriter(Protocol):
    """A blob being written. Readers see it only after its context ends without an error."""

    async def write(self, chunk: bytes) -> None: ...


class BlobStore(Protocol):
    """Every method raises `StoreUnavailable` when the store cannot be reached or is full."""

    async def put(self, key: str, data: bytes) -> None:
        """Store all of `data` or nothing; durable on return."""
        ...

    def writer(self, key: str) -> AbstractAsyncContextManager[BlobWriter]:
        """Write a blob in pieces, in constant memory. It is durable when the context ends, absent when that fails."""
        ...

    async def get(self, key: str) -> bytes:
        """All bytes of a blob. Raises `BlobMissing`."""
        ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a blob in pieces. Raises `BlobMissing` before the first."""
        ...

    async def size(self, key: str) -> int | None:
        """The size of a blob in bytes, or None when it does not exist."""
        ...

    async def unchanged_since(self, prefix: str, moment: float) -> list[str]:
        """Names of the folders below `prefix` where nothing was written after `moment` (Unix time)."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every blob in the folder `prefix`, at any depth. Returns their number."""
        ...

    async def delete_prefixes(self, prefixes: Sequence[str]) -> int:
        """`delete_prefix` for many folders, in as few requests as the store allows."""
        ...

    async def keep_newest(self, prefix: str, *, blobs: int, size: int) -> int:
        """Remove the oldest blobs in the folder `prefix` until it has at most `blobs`, with at most `size` bytes.

        Returns how many were removed.
        """
        ...


@dataclass(frozen=True, slots=True, order=True)
class StoredBlob:
    """A blob in a list. Lists are sorted by age, the oldest first."""

    changed_at: float
    name: str
    size: int


def above(stored: Iterable[StoredBlob], *, blobs: int, size: int) -> list[str]:
    """The names of the oldest, without which the rest are at most `blobs` with at most `size` bytes."""
    newest_first = sorted(stored, reverse=True)
    sizes = accumulate(blob.size for blob in newest_first)
    ranked = enumerate(zip(newest_first, sizes, strict=True))
    return [blob.name for before, (blob, total) in ranked if before >= blobs or total > size]


class ChunkBuffer:
    """Collects chunks into pieces: a small blob costs one write, a large one a write for each piece."""

    def __init__(self, piece: int) -> None:
        self._piece = piece
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> bool:
        """Add a chunk. Returns whether a whole piece is ready to `take`."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        return self._size >= self._piece

    def take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks, self._size = [], 0
        return data

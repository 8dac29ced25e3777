"""What a blob store promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class BlobWriter(Protocol):
    """A blob being written. It exists for readers only after its context was left without an error."""

    async def write(self, chunk: bytes) -> None: ...


class BlobStore(Protocol):
    """Every method raises `StoreUnavailable` when the store cannot be reached or is full."""

    async def put(self, key: str, data: bytes) -> None:
        """Store `data`, whole or not at all; durable on return."""
        ...

    def writer(self, key: str) -> AbstractAsyncContextManager[BlobWriter]:
        """Write a blob in pieces, in constant memory; durable when the context ends, absent when it fails."""
        ...

    async def get(self, key: str) -> bytes:
        """All bytes of a blob. Raises `BlobMissing`."""
        ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a blob in pieces. Raises `BlobMissing` before the first."""
        ...

    async def size(self, key: str) -> int | None:
        """Bytes in a blob, or None when there is none."""
        ...

    async def unchanged_since(self, prefix: str, moment: float) -> list[str]:
        """Names of the folders in the folder `prefix` in which nothing was written after `moment`, in Unix time."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every blob in the folder `prefix`, at any depth; how many there were."""
        ...


class ChunkBuffer:
    """Chunks on their way to become pieces, so that a small blob costs one trip and a large one a trip per piece."""

    def __init__(self, piece: int) -> None:
        self._piece = piece
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> bool:
        """Whether there is a whole piece to take now."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        return self._size >= self._piece

    def take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks, self._size = [], 0
        return data

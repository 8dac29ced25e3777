"""Bytes by key, on a local folder or any object store that obstore speaks.

Keys: `inputs/{job_id}/{index}`, `results/{job_id}/{index}/{name}`. A key is made by docfleet, never by a client.
"""

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

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every blob whose key starts with `prefix`; how many there were."""
        ...

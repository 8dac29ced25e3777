"""Blobs in an object store. The store itself is durable and atomic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, from_url

from actors.blobs.store import BlobWriter, ChunkBuffer, StoredBlob, above
from actors.errors import BlobMissing, StoreUnavailable

if TYPE_CHECKING:  # obstore has these names for type checkers only
    from obstore import AsyncWritableFile
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

PIECE_READ = 512 * 1024
#: Size of one part of a large upload; S3 refuses smaller parts.
PIECE_WRITTEN = 5 * 1024 * 1024
#: Folders that are listed side by side before their blobs are deleted.
LISTED_AT_ONCE = 32

#: What S3, Google and Azure answer with the status 404 when the bucket itself is missing.
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")

#: The caller handles longer outages: only the caller knows whether a client waits for an answer.
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
_CLIENT: ClientConfig = {
    "connect_timeout": "5s",
    "read_timeout": "10s",  # between two bytes: enough to upload one part at 4 Mbit/s
    "timeout": "600s",  # for all bytes of a large download
    "allow_http": True,  # matters only when the operator names an http:// endpoint
}


def connect(url: str) -> ObjectStore:
    if url == "memory://":
        return MemoryStore()
    return from_url(url, client_options=_CLIENT, retry_config=_RETRIES)


class ObjectBlobs:
    """A failed large upload leaves parts, never a blob. A lifecycle rule of the bucket removes incomplete uploads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        with _object_errors(key):
            await obstore.put_async(self._store, key, data)

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[BlobWriter]:
        writer = _ObjectWriter(self._store, key)
        yield writer
        await writer.commit()  # without a commit there is no blob

    async def get(self, key: str) -> bytes:
        with _object_errors(key):
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        with _object_errors(key):
            async for piece in (await obstore.get_async(self._store, key)).stream(PIECE_READ):
                yield bytes(piece)

    async def size(self, key: str) -> int | None:
        try:
            with _object_errors(key):
                return (await obstore.head_async(self._store, key))["size"]
        except BlobMissing:
            return None

    async def unchanged_since(self, prefix: str, moment: float) -> list[str]:
        changed: dict[str, float] = {}
        with _object_errors(prefix):
            async for batch in obstore.list(self._store, prefix):
                for blob in batch:
                    folder = blob["path"].split("/")[1]
                    changed[folder] = max(changed.get(folder, 0.0), blob["last_modified"].timestamp())
        return [folder for folder, at in changed.items() if at <= moment]

    async def delete_prefix(self, prefix: str) -> int:
        return await self.delete_prefixes([prefix])

    async def delete_prefixes(self, prefixes: Sequence[str]) -> int:
        at_once = asyncio.Semaphore(LISTED_AT_ONCE)

        async def paths_below(prefix: str) -> list[str]:
            async with at_once:
                return [blob["path"] async for batch in obstore.list(self._store, prefix) for blob in batch]

        with _object_errors(", ".join(prefixes)):
            found = await asyncio.gather(*(paths_below(prefix.rstrip("/")) for prefix in prefixes))
            paths = [path for some in found for path in some]
            if paths:
                await obstore.delete_async(self._store, paths)  # S3 and its like remove a thousand in one request
        return len(paths)

    async def keep_newest(self, prefix: str, *, blobs: int, size: int) -> int:
        stored: list[StoredBlob] = []
        with _object_errors(prefix):
            async for batch in obstore.list(self._store, prefix.rstrip("/")):
                stored += [StoredBlob(each["last_modified"].timestamp(), each["path"], each["size"]) for each in batch]
            surplus = above(stored, blobs=blobs, size=size)
            await obstore.delete_async(self._store, surplus)
        return len(surplus)


class _ObjectWriter:
    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key
        self._gathered = ChunkBuffer(PIECE_WRITTEN)
        self._file: AsyncWritableFile | None = None

    async def write(self, chunk: bytes) -> None:
        if self._gathered.add(chunk):
            with _object_errors(self._key):
                await self._open().write(self._gathered.take())

    async def commit(self) -> None:
        with _object_errors(self._key):
            if self._file is None:
                await obstore.put_async(self._store, self._key, self._gathered.take())
            else:
                await self._file.write(self._gathered.take())
                await self._file.close()

    def _open(self) -> AsyncWritableFile:
        if self._file is None:
            self._file = obstore.open_writer_async(self._store, self._key, buffer_size=PIECE_WRITTEN, max_concurrency=2)
        return self._file


@contextmanager
def _object_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if any(code in str(error) for code in NO_BUCKET):
            raise StoreUnavailable("The blob store cannot be used: its bucket does not exist") from error
        raise BlobMissing(f"No blob {key}") from error
    except (BaseError, OSError) as error:
        raise StoreUnavailable("The blob store cannot be reached") from error

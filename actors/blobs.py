"""Bytes by key, on a local folder or any object store that obstore speaks.

Keys: `inputs/{job_id}/{index}`, `results/{job_id}/{index}/{name}`. A key is made by docfleet, never by a client.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar, TypeVarTuple
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, from_url

from actors.errors import BlobMissing, StoreUnavailable

if TYPE_CHECKING:  # obstore has these names for type checkers only
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

T = TypeVar("T")
Args = TypeVarTuple("Args")

#: Bytes that travel together: to a thread and the disk, or to an object store as one part of an upload.
LOCAL_PIECE = 512 * 1024
REMOTE_PIECE = 5 * 1024 * 1024  # S3 refuses smaller parts

#: An outage longer than this is the caller's to wait out: it knows whether somebody waits for an answer.
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
_CLIENT: ClientConfig = {
    "connect_timeout": "5s",
    "timeout": "60s",
    "allow_http": True,  # takes effect only where an operator names an http:// endpoint
}


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
        """Remove every blob in the folder `prefix`, at any depth; how many there were."""
        ...


def open_blobs(url: str) -> BlobStore:
    """The store at `url`: a folder's path, `memory://` (this process only), or `s3://`, `gs://`, `az://`.

    Credentials and endpoints of object stores come from their usual environment names (`AWS_…`, `GOOGLE_…`,
    `AZURE_…`).
    """
    if url == "memory://":
        return ObjectBlobs(MemoryStore())
    if "://" in url:
        return ObjectBlobs(from_url(url, client_options=_CLIENT, retry_config=_RETRIES))
    return LocalBlobs(Path(url))


class LocalBlobs:
    """A folder. obstore's own local store never syncs: a power failure would take what it called written."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def put(self, key: str, data: bytes) -> None:
        await _in_thread(_write_whole, self._path(key), data)

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[BlobWriter]:
        writer = _LocalWriter(self._path(key))
        try:
            yield writer
        except BaseException:
            writer.discard()
            raise
        await writer.commit()

    async def get(self, key: str) -> bytes:
        return await _in_thread(_read_whole, self._path(key))

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        file = await _in_thread(_open, self._path(key))
        with file:
            while piece := await _in_thread(file.read, LOCAL_PIECE):
                yield piece

    async def size(self, key: str) -> int | None:
        return await _in_thread(_size, self._path(key))

    async def delete_prefix(self, prefix: str) -> int:
        return await _in_thread(_delete_folder, self._path(prefix.rstrip("/")))

    def _path(self, key: str) -> Path:
        if not all(part.strip(".") for part in key.split("/")):  # also refuses "": the whole store
            raise ValueError(f"Not a blob key: {key!r}")
        return self._root / key


class _LocalWriter:
    """Gathers small chunks, so that a small blob costs one trip to the disk and a large one a trip per piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = _temporary_name(path)
        self._file: BinaryIO | None = None
        self._chunks: list[bytes] = []
        self._gathered = 0

    async def write(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._gathered += len(chunk)
        if self._gathered >= LOCAL_PIECE:
            await _in_thread(self._append, self._take())

    async def commit(self) -> None:
        if self._file is None:
            await _in_thread(_write_whole, self._path, self._take())
        else:
            await _in_thread(self._finish, self._take())

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks, self._gathered = [], 0
        return data

    def _append(self, data: bytes) -> None:
        if self._file is None:
            _make_folder(self._path.parent)
            self._file = self._temporary.open("xb", buffering=0)
        _write_all(self._file, data)

    def _finish(self, data: bytes) -> None:
        assert self._file is not None
        try:
            _write_all(self._file, data)
            _publish(self._file, self._temporary, self._path)
        except BaseException:
            self.discard()
            raise


async def _in_thread(work: Callable[[*Args], T], *args: *Args) -> T:
    """Run `work` off the event loop. A cancelled caller first waits for it: nothing goes on behind its back."""
    done = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise
    except OSError as error:
        raise StoreUnavailable(f"The blob store cannot be used: {error.strerror}") from error


def _write_whole(path: Path, data: bytes) -> None:
    _make_folder(path.parent)
    temporary = _temporary_name(path)
    try:
        with temporary.open("xb", buffering=0) as file:
            _write_all(file, data)
            _publish(file, temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_all(file: BinaryIO, data: bytes) -> None:
    """An unbuffered file may write less than it was given, on a disk that is almost full for one."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _publish(file: BinaryIO, temporary: Path, path: Path) -> None:
    os.fsync(file.fileno())
    file.close()
    temporary.replace(path)
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; a file's own sync does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_name(path: Path) -> Path:
    """Beside the blob, so that it can be renamed; a folder that is deleted takes what a crash left of it along."""
    return path.with_name(f".{uuid4().hex}")


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise BlobMissing(f"No blob {path.name}") from error


def _read_whole(path: Path) -> bytes:
    with _open(path) as file:
        return file.read()


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _delete_folder(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    count = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder)
    return count


class ObjectBlobs:
    """An object store. It is durable and atomic by itself.

    A large upload that fails leaves parts, never a blob; a bucket's rule for incomplete uploads removes them.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        with _object_errors(key):
            await obstore.put_async(self._store, key, data)

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[BlobWriter]:
        writer = _ObjectWriter(self._store, key)
        yield writer
        await writer.commit()  # what is never committed never becomes a blob

    async def get(self, key: str) -> bytes:
        with _object_errors(key):
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        with _object_errors(key):
            async for piece in (await obstore.get_async(self._store, key)).stream(LOCAL_PIECE):
                yield bytes(piece)

    async def size(self, key: str) -> int | None:
        try:
            with _object_errors(key):
                return (await obstore.head_async(self._store, key))["size"]
        except BlobMissing:
            return None

    async def delete_prefix(self, prefix: str) -> int:
        count = 0
        with _object_errors(prefix):
            async for batch in obstore.list(self._store, prefix.rstrip("/")):
                await obstore.delete_async(self._store, [blob["path"] for blob in batch])
                count += len(batch)
        return count


class _ObjectWriter:
    def __init__(self, store: ObjectStore, key: str) -> None:
        self._key = key
        self._file = obstore.open_writer_async(store, key, buffer_size=REMOTE_PIECE, max_concurrency=2)

    async def write(self, chunk: bytes) -> None:
        with _object_errors(self._key):
            await self._file.write(chunk)

    async def commit(self) -> None:
        with _object_errors(self._key):
            await self._file.close()


@contextmanager
def _object_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(f"No blob {key}") from error
    except (BaseError, OSError) as error:
        raise StoreUnavailable("The blob store cannot be reached") from error

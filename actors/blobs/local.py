"""Blobs in a local folder. obstore has such a store too, but it never syncs: a power failure would lose blobs that it
reported as written.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, TypeVarTuple
from uuid import uuid4

from actors.blobs.store import BlobWriter, ChunkBuffer, StoredBlob, above
from actors.errors import BlobMissing, StoreUnavailable

T = TypeVar("T")
Args = TypeVarTuple("Args")

#: Bytes of one write: one trip to a thread and the disk.
PIECE = 512 * 1024


class LocalBlobs:
    """Makes its folder when it is opened, and never again.

    A folder that is gone later is not mounted. Its blobs are unreachable, not missing, and no new blob may be written
    into the empty mount point.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        with suppress(OSError):  # the first use of a blob reports it
            for changed in _make_folder(self._root):
                _sync_folder(changed)

    async def put(self, key: str, data: bytes) -> None:
        await _in_thread(self._root, _write_whole, self._path(key), data)

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[BlobWriter]:
        writer = _LocalWriter(self._root, self._path(key))
        try:
            yield writer
        except BaseException:
            writer.discard()
            raise
        await writer.commit()

    async def get(self, key: str) -> bytes:
        return await _in_thread(self._root, _read_whole, self._path(key))

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        file = await _in_thread(self._root, _open, self._path(key))
        with file:
            while piece := await _in_thread(self._root, file.read, PIECE):
                yield piece

    async def size(self, key: str) -> int | None:
        return await _in_thread(self._root, _size, self._path(key))

    async def unchanged_since(self, prefix: str, moment: float) -> list[str]:
        return await _in_thread(self._root, _unchanged_folders, self._path(prefix), moment)

    async def delete_prefix(self, prefix: str) -> int:
        return await _in_thread(self._root, _delete_folder, self._path(prefix.rstrip("/")))

    async def keep_newest(self, prefix: str, *, blobs: int, size: int) -> int:
        return await _in_thread(self._root, _keep_newest, self._path(prefix), blobs, size)

    async def delete_prefixes(self, prefixes: Sequence[str]) -> int:
        paths = [self._path(prefix.rstrip("/")) for prefix in prefixes]
        return await _in_thread(self._root, lambda: sum(map(_delete_folder, paths)))

    def _path(self, key: str) -> Path:
        if not all(part.strip(".") for part in key.split("/")):  # also refuses "": the whole store
            raise ValueError(f"Not a blob key: {key!r}")
        return self._root / key


class _LocalWriter:
    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._gathered = ChunkBuffer(PIECE)
        self._temporary = _temporary_name(path)
        self._file: BinaryIO | None = None
        self._changed: list[Path] = []

    async def write(self, chunk: bytes) -> None:
        if self._gathered.add(chunk):
            await _in_thread(self._root, self._append, self._gathered.take())

    async def commit(self) -> None:
        if self._file is None:
            await _in_thread(self._root, _write_whole, self._path, self._gathered.take())
        else:
            await _in_thread(self._root, self._finish, self._gathered.take())

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._changed = _make_folder(self._path.parent)
            self._file = _create(self._temporary)
        _write_all(self._file, data)

    def _finish(self, data: bytes) -> None:
        assert self._file is not None
        try:
            _write_all(self._file, data)
            _publish(self._file, self._temporary, self._path, self._changed)
        except BaseException:
            self.discard()
            raise


async def _in_thread(root: Path, work: Callable[[*Args], T], *args: *Args) -> T:
    """Run `work` in a thread, once `root` is known to exist.

    A cancelled caller waits for the thread to end, so that nothing still writes after the caller has returned.
    """

    def in_store() -> T:
        if not root.is_dir():
            raise StoreUnavailable("The blob store cannot be used: its folder does not exist. Is it mounted?")
        return work(*args)

    done = asyncio.ensure_future(asyncio.to_thread(in_store))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise
    except OSError as error:
        raise StoreUnavailable(f"The blob store cannot be used: {error.strerror}") from error


def _write_whole(path: Path, data: bytes) -> None:
    changed = _make_folder(path.parent)
    temporary = _temporary_name(path)
    try:
        with _create(temporary) as file:
            _write_all(file, data)
            _publish(file, temporary, path, changed)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`: an unbuffered file may write less than it is given, for example on an almost full disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _publish(file: BinaryIO, temporary: Path, path: Path, changed: list[Path]) -> None:
    """Rename a file to its final name and make the name durable, with the new folders listed in `changed`."""
    os.fsync(file.fileno())
    file.close()
    temporary.replace(path)
    for folder in (path.parent, *changed):  # last, so that the file system can commit all at once
        _sync_folder(folder)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and its missing parents. Returns the folders that got a new entry."""
    if folder.is_dir():
        return []
    changed = _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)  # documents are private, also on a shared machine
    return [folder.parent, *changed]


def _create(path: Path) -> BinaryIO:
    """Create a file that only its owner can read."""
    return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: syncing a file does not sync its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_name(path: Path) -> Path:
    """A name beside the blob, so that renaming is atomic. What a crash leaves there goes when the folder is deleted."""
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


def _unchanged_folders(parent: Path, moment: float) -> list[str]:
    folders = parent.iterdir() if parent.is_dir() else ()
    return [folder.name for folder in folders if not _changed_after(folder, moment)]


def _changed_after(folder: Path, moment: float) -> bool:
    """Unfinished uploads count too: they grow under a temporary name."""
    try:
        return any(path.stat().st_mtime > moment for path in (folder, *folder.rglob("*")))
    except FileNotFoundError:  # something is being deleted right now
        return True


def _keep_newest(folder: Path, blobs: int, size: int) -> int:
    stored = (_stored(path) for path in folder.rglob("[!.]*"))  # the others are not whole yet
    surplus = above(filter(None, stored), blobs=blobs, size=size)
    for name in surplus:
        Path(name).unlink(missing_ok=True)
    return len(surplus)


def _stored(path: Path) -> StoredBlob | None:
    """None for a folder, and for a file that another process has removed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return StoredBlob(found.st_mtime, str(path), found.st_size) if path.is_file() else None


def _delete_folder(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    count = sum(path.is_file() for path in folder.rglob("*"))
    while folder.is_dir():
        with suppress(FileNotFoundError):  # another process deletes it at the same time
            shutil.rmtree(folder)
    return count

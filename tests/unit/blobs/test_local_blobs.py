"""A local folder that is as durable as an object store."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from actors.blobs import BlobStore, open_blobs
from actors.blobs.local import PIECE
from actors.errors import BlobMissing, StoreUnavailable


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return open_blobs(str(tmp_path))


@pytest.mark.parametrize("size", [10, 2 * PIECE], ids=["small", "large"])
async def test_a_blob_and_its_name_are_on_disk_before_it_is_called_written(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    synced: list[tuple[str, bool]] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        name = str(path.relative_to(tmp_path)) if path.is_dir() else "the bytes"
        synced.append((name, (tmp_path / "inputs/job/0").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    async with blobs.writer("inputs/job/0") as writer:
        await writer.write(b"x" * size)
    assert synced == [("the bytes", False), ("inputs/job", True), ("inputs", True), (".", True)]


@pytest.mark.parametrize("size", [10, 2 * PIECE], ids=["small", "large"])
async def test_only_the_owner_of_the_process_can_read_blobs(tmp_path: Path, size: int) -> None:
    old_mask = os.umask(0)
    try:
        async with open_blobs(str(tmp_path / "state" / "blobs")).writer("inputs/job/0") as writer:
            await writer.write(b"x" * size)
    finally:
        os.umask(old_mask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}  # noqa: ASYNC240
    assert modes == {"state": 0o700, "blobs": 0o700, "inputs": 0o700, "job": 0o700, "0": 0o600}


@pytest.mark.parametrize("size", [10, 2 * PIECE], ids=["small", "large"])
async def test_a_full_disk_is_an_unavailable_store_and_leaves_nothing(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def write() -> None:
        async with blobs.writer("inputs/job/0") as writer:
            await writer.write(b"x" * size)

    await blobs.put("inputs/job/1", b"")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        await write()
    assert [path.name for path in (tmp_path / "inputs/job").iterdir()] == ["1"]


@pytest.mark.parametrize("instead", [Path.mkdir, Path.touch, None], ids=["empty", "file", "nothing"])
async def test_blobs_that_are_not_mounted_are_out_of_reach_and_not_missing(tmp_path: Path, instead: Any) -> None:
    mount = tmp_path / "mount"
    blobs = open_blobs(str(mount / "blobs"))
    await blobs.put("inputs/job/0", b"data")
    mount.rename(tmp_path / "aside")
    if instead:
        instead(mount)
    for ask in (
        blobs.get("inputs/job/0"),
        blobs.stream("inputs/job/0").__anext__(),
        blobs.size("inputs/job/0"),
        blobs.put("inputs/job/1", b"data"),
        blobs.delete_prefix("inputs/job"),
        blobs.unchanged_since("inputs", 0.0),
    ):
        with pytest.raises(StoreUnavailable):
            await ask
    assert not (mount / "blobs").exists()


async def test_a_blob_that_nobody_wrote_is_missing_in_a_new_store(tmp_path: Path) -> None:
    with pytest.raises(BlobMissing):
        await open_blobs(str(tmp_path / "new" / "blobs")).get("inputs/job/0")


async def test_a_folder_that_cannot_be_written_is_an_unavailable_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        await open_blobs(str(tmp_path / "file")).put("inputs/job/0", b"")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a/./b"])
async def test_a_key_cannot_lead_out_of_the_folder(blobs: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="Not a blob key"):
        await blobs.put(key, b"")
    if not key.endswith("/"):
        with pytest.raises(ValueError, match="Not a blob key"):
            await blobs.delete_prefix(key)


async def test_a_cancelled_writer_is_not_left_while_its_thread_still_writes(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing, go_on = threading.Event(), threading.Event()
    sync = os.fsync

    def slow(descriptor: int) -> None:
        syncing.set()
        go_on.wait()
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    putting = asyncio.create_task(blobs.put("inputs/job/0", b"data"))
    await asyncio.to_thread(syncing.wait)
    putting.cancel()
    await asyncio.sleep(0)
    assert not putting.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert (tmp_path / "inputs/job/0").read_bytes() == b"data"


def age(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1, 1))


async def test_a_folder_with_an_unfinished_upload_has_changed(blobs: BlobStore, tmp_path: Path) -> None:
    await blobs.put("inputs/old/0", b"data")
    await blobs.put("inputs/busy/0", b"data")
    async with blobs.writer("inputs/busy/1") as writer:
        await writer.write(b"x" * PIECE)
        age(tmp_path / "inputs")
        await writer.write(b"x" * PIECE)  # changes the unfinished file, not the folder's own time
        assert await blobs.unchanged_since("inputs", 2) == ["old"]

"""The contract of blob stores: over a local folder, memory, and S3 with a server in another process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from actors.blobs import BlobStore, open_blobs
from actors.blobs.objects import PIECE_WRITTEN
from actors.errors import BlobMissing
from tests.servers import running_s3

BUCKET = "docfleet-tests"
LARGE = os.urandom(3 * PIECE_WRITTEN + 17)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    httpx.put(f"{s3_endpoint}/{BUCKET}").raise_for_status()
    return f"s3://{BUCKET}/some/prefix"


@pytest.fixture(params=["local", "memory", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    if request.param == "s3":
        store = open_blobs(request.getfixturevalue("s3_url"))
    else:
        store = open_blobs("memory://" if request.param == "memory" else str(tmp_path / "blobs"))
    yield store
    await store.delete_prefix("inputs")
    await store.delete_prefix("results")


async def test_a_blob_reads_as_it_was_put(blobs: BlobStore) -> None:
    await blobs.put("inputs/a/0", b"one")
    assert await blobs.get("inputs/a/0") == b"one"
    assert await blobs.size("inputs/a/0") == 3


async def test_a_second_put_replaces_the_first(blobs: BlobStore) -> None:
    await blobs.put("results/a/0/response.json", b"first")
    await blobs.put("results/a/0/response.json", b"2nd")
    assert await blobs.get("results/a/0/response.json") == b"2nd"


async def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    await blobs.put("inputs/a/0", b"")
    async with blobs.writer("inputs/a/1"):
        pass
    assert [await blobs.size("inputs/a/0"), await blobs.size("inputs/a/1")] == [0, 0]
    assert await blobs.get("inputs/a/1") == b""
    assert b"".join([piece async for piece in blobs.stream("inputs/a/1")]) == b""


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_blob_written_in_chunks_reads_and_streams_whole(blobs: BlobStore, data: bytes) -> None:
    async with blobs.writer("inputs/a/0") as writer:
        for start in range(0, len(data), 100_000):
            await writer.write(data[start : start + 100_000])
    assert await blobs.get("inputs/a/0") == data
    assert b"".join([piece async for piece in blobs.stream("inputs/a/0")]) == data


@pytest.mark.parametrize("blobs", ["local", "s3"], indirect=True)
async def test_a_large_blob_streams_in_several_pieces(blobs: BlobStore) -> None:
    await blobs.put("inputs/a/0", LARGE)
    pieces = [piece async for piece in blobs.stream("inputs/a/0")]
    assert len(pieces) > 3
    assert b"".join(pieces) == LARGE


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_blob_does_not_exist_until_its_writer_is_left(blobs: BlobStore, data: bytes) -> None:
    async with blobs.writer("inputs/a/0") as writer:
        await writer.write(data)
        assert await blobs.size("inputs/a/0") is None
    assert await blobs.size("inputs/a/0") == len(data)


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_writer_left_by_an_error_leaves_nothing(blobs: BlobStore, data: bytes) -> None:
    async def fail_half_way() -> None:
        async with blobs.writer("inputs/a/0") as writer:
            await writer.write(data)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await fail_half_way()
    assert await blobs.size("inputs/a/0") is None
    assert await blobs.delete_prefix("inputs/a") == 0


async def test_a_missing_blob_is_reported_as_missing(blobs: BlobStore) -> None:
    await blobs.put("inputs/a/0", b"")
    with pytest.raises(BlobMissing):
        await blobs.get("inputs/a/1")
    with pytest.raises(BlobMissing):
        await anext(blobs.stream("inputs/b/0"))
    assert await blobs.size("inputs/a") is None


async def test_delete_prefix_takes_a_folder_and_not_its_neighbours(blobs: BlobStore) -> None:
    for key in ("results/a/0/x", "results/a/1/x", "results/ab/0/x", "inputs/a/0"):
        await blobs.put(key, b"data")
    assert await blobs.delete_prefix("results/a") == 2
    assert await blobs.delete_prefix("results/a") == 0
    assert [await blobs.size(key) for key in ("results/a/0/x", "results/ab/0/x", "inputs/a/0")] == [None, 4, 4]


async def test_many_puts_at_once_all_arrive(blobs: BlobStore) -> None:
    await asyncio.gather(*(blobs.put(f"inputs/job/{n}", str(n).encode()) for n in range(40)))
    assert [int(await blobs.get(f"inputs/job/{n}")) for n in range(40)] == list(range(40))


async def test_folders_are_told_apart_by_when_they_changed_last(blobs: BlobStore) -> None:
    assert await blobs.unchanged_since("inputs", time.time() + 60) == []
    for key in ("inputs/a/0", "inputs/b/0", "inputs/b/1", "results/c/0/response.json"):
        await blobs.put(key, b"data")
    assert sorted(await blobs.unchanged_since("inputs", time.time() + 60)) == ["a", "b"]
    assert await blobs.unchanged_since("inputs", time.time() - 60) == []


async def test_the_oldest_blobs_of_a_folder_make_room_for_newer_ones(blobs: BlobStore) -> None:
    await blobs.put("results/a/0/chosen/old", b"1234")
    await blobs.put("results/a/0/document.json", b"123456789")
    await asyncio.sleep(1.1)  # S3 tells whole seconds
    for name in ("new", "newer"):
        await blobs.put(f"results/a/0/chosen/{name}", b"1234")
    assert await blobs.keep_newest("results/a/0/chosen", blobs=3, size=12) == 0
    assert await blobs.keep_newest("results/a/0/chosen", blobs=2, size=12) == 1
    assert await blobs.size("results/a/0/chosen/old") is None
    assert await blobs.keep_newest("results/a/0/chosen", blobs=2, size=7) == 1
    sizes = [await blobs.size(f"results/a/0/chosen/{name}") for name in ("new", "newer")]
    assert sorted(size or 0 for size in sizes) == [0, 4]
    assert await blobs.get("results/a/0/document.json") == b"123456789"


async def test_a_folder_that_is_not_there_has_nothing_to_remove(blobs: BlobStore) -> None:
    assert await blobs.keep_newest("results/a/0/chosen", blobs=0, size=0) == 0


async def test_many_folders_are_deleted_together_and_their_neighbours_stay(blobs: BlobStore) -> None:
    for key in ("results/a/0/x", "results/b/0/x", "results/b/1/x", "results/ab/0/x"):
        await blobs.put(key, b"data")
    assert await blobs.delete_prefixes(["results/a", "results/b", "results/none"]) == 3
    assert await blobs.delete_prefixes([]) == 0
    keys = ("results/a/0/x", "results/b/1/x", "results/ab/0/x")
    assert [await blobs.size(key) for key in keys] == [None, None, 4]

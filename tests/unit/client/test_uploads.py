"""Multipart bodies: streamed from disk, one open file at a time, and complete when sent again."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import httpx
import pytest

from client._uploads import BLOCK, Submission, _LazyFile


def request_for(*paths: Path) -> httpx.Request:
    return Submission(paths=paths, idempotency_key="k").request("http://server/submit", {})


def blocks(request: httpx.Request) -> list[bytes]:
    return list(cast(Iterable[bytes], request.stream))


def test_body_has_the_announced_length_and_is_the_same_every_time(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(os.urandom(3 * BLOCK + 17))
    request = request_for(path, path)
    first, second = b"".join(blocks(request)), b"".join(blocks(request))
    assert first == second
    assert len(first) == int(request.headers["content-length"])
    assert first.count(path.read_bytes()) == 2


def test_name_that_is_not_utf8_on_disk_is_sent_as_far_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.md")
    path.write_text("# A")
    assert b'filename="caf?.md"' in b"".join(blocks(request_for(path)))


def test_body_comes_in_blocks_rather_than_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(bytes(8 * BLOCK))
    sizes = [len(block) for block in blocks(request_for(path))]
    assert max(sizes) < 2 * BLOCK
    assert len(sizes) >= 8


def test_small_body_is_one_block(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A")
    assert len(blocks(request_for(tmp_path / "a.md"))) == 1


def test_no_file_is_open_before_its_turn_or_after_it(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.md" for n in range(5)]
    for path in paths:
        path.write_bytes(bytes(BLOCK + 1))
    request = request_for(*paths)
    before = open_files(tmp_path)
    during = [open_files(tmp_path) for _ in cast(Iterable[bytes], request.stream)]
    assert before == 0
    assert set(during) <= {0, 1}
    assert open_files(tmp_path) == 0


def test_async_body_is_read_in_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_bytes(bytes(BLOCK * 2))
    readers = set()
    read = _LazyFile.read

    def spy(file: _LazyFile, size: int = -1) -> bytes:
        readers.add(threading.current_thread())
        return read(file, size)

    monkeypatch.setattr(_LazyFile, "read", spy)
    request = request_for(tmp_path / "a.md")

    async def collect() -> bytes:
        return b"".join([block async for block in cast(httpx.AsyncByteStream, request.stream)])

    body = asyncio.run(collect())
    assert threading.main_thread() not in readers
    assert body == b"".join(blocks(request))


def test_file_that_grows_is_sent_at_its_announced_length(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one")
    request = request_for(path)
    with path.open("a") as log:
        log.write("two")
    assert len(b"".join(blocks(request))) == int(request.headers["content-length"])


def test_file_that_shrinks_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one two three")
    request = request_for(path)
    path.write_text("one")
    with pytest.raises(OSError, match=r"log\.txt became shorter"):
        blocks(request)


def test_empty_file_is_sent_as_an_empty_part(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    request = request_for(tmp_path / "a.md")
    assert len(b"".join(blocks(request))) == int(request.headers["content-length"])


def test_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        request_for(tmp_path)


def open_files(folder: Path) -> int:
    """The number of files in `folder` that this process has open."""
    descriptors = Path("/proc/self/fd")
    return sum(str(folder) in os.path.realpath(link) for link in descriptors.iterdir())

"""The bell of a file, as two processes of one machine have it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from actors.registry.change_bell import Bell, BellListener
from actors.registry.change_clock import ChangeClock, ChangeClockReader

RINGS_ELSEWHERE = "import sys; from pathlib import Path; from actors.registry.change_bell import Bell; "
RINGS_ELSEWHERE += "Bell(Path(sys.argv[1])).ring()"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    return path


@pytest.fixture
def no_inotify(monkeypatch: pytest.MonkeyPatch) -> None:
    without = SimpleNamespace(CDLL=lambda *_, **__: SimpleNamespace())
    monkeypatch.setattr("actors.registry.change_bell.ctypes", without)


async def heard(listener: BellListener | ChangeClockReader) -> bool:
    """Whether the listener hears something before a test would take too long."""
    async with asyncio.timeout(30):
        await (listener.rung() if isinstance(listener, BellListener) else listener.moved())
    return True


async def test_a_ring_of_another_process_is_heard(file: Path) -> None:
    listener = BellListener(file)
    waiting = asyncio.create_task(heard(listener))
    command = [sys.executable, "-c", RINGS_ELSEWHERE, str(file)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    assert await waiting


async def test_a_ring_before_the_wait_is_heard_once(file: Path) -> None:
    bell, listener = Bell(file), BellListener(file)
    for _ in range(3):
        bell.ring()
    assert await heard(listener)
    second = asyncio.create_task(heard(listener))
    await asyncio.wait([second], timeout=0)
    assert not second.done()
    bell.ring()
    assert await second


async def test_a_wait_that_is_given_up_leaves_the_next_one_whole(file: Path) -> None:
    bell, listener = Bell(file), BellListener(file)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await listener.rung()
    bell.ring()
    assert await heard(listener)


def test_a_file_that_is_gone_cannot_be_listened_to(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="watched"):
        BellListener(tmp_path / "none")


def test_a_file_system_that_reports_nothing_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.registry.change_bell._READ", 0x400)  # only that the file was removed
    with pytest.raises(BlockingIOError):
        BellListener(file)


@pytest.mark.usefixtures("no_inotify")
def test_a_system_without_inotify_is_told(file: Path) -> None:
    with pytest.raises(OSError, match="no inotify"):
        BellListener(file)


async def test_a_reader_of_the_clock_hears_each_move(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    assert await heard(reader)  # the first one only looks
    for number in (1, 2):
        clock.set(number)
        assert await heard(reader)
        assert reader.now() == number


@pytest.mark.usefixtures("no_inotify")
async def test_a_reader_without_inotify_looks_again_and_again(tmp_path: Path) -> None:
    ChangeClock(tmp_path / "changes")
    reader = ChangeClockReader(tmp_path / "changes")
    assert [await heard(reader) for _ in range(3)] == [True] * 3

from __future__ import annotations

import struct
from pathlib import Path

from actors.registry.change_clock import LONGEST, RING, ChangeClock, ChangeClockReader


def test_a_reader_sees_each_number_at_once(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    for number in (1, 2**63, 2):
        clock.set(number)
        assert reader.now() == number


def test_a_reader_that_was_there_first_finds_the_clock_later(tmp_path: Path) -> None:
    reader = ChangeClockReader(tmp_path / "changes")
    assert reader.now() is None
    ChangeClock(tmp_path / "changes").set(7)
    assert reader.now() == 7


def test_an_empty_file_is_no_clock(tmp_path: Path) -> None:
    (tmp_path / "changes").touch()
    assert ChangeClockReader(tmp_path / "changes").now() is None


def test_the_next_writer_is_seen_by_the_readers_of_the_one_before(tmp_path: Path) -> None:
    ChangeClock(tmp_path / "changes").set(7)
    reader = ChangeClockReader(tmp_path / "changes")
    assert reader.now() == 7
    ChangeClock(tmp_path / "changes").set(8)
    assert reader.now() == 8


def test_a_reader_gets_the_entries_since_it_looked_last(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    clock.set(1, b"before the reader was there")
    assert reader.entries() == []
    clock.set(2, b"one")
    clock.set(3)
    clock.set(4, b"")
    assert reader.entries() == [b"one", b""]
    assert reader.entries() == []


def test_entries_go_on_when_the_file_is_full(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    reader.now()
    for number in range(3 * RING // 1000):
        entry = bytes([number % 256]) * 1000
        clock.set(number, entry)
        assert reader.entries() == [entry]


def test_a_reader_that_is_too_far_behind_gets_only_what_comes_next(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    reader.now()
    for number in range(2 * RING // 1000):
        clock.set(number, bytes(1000))
    assert reader.entries() == []
    clock.set(1, b"next")
    assert reader.entries() == [b"next"]


def test_an_entry_that_is_too_long_is_left_out(tmp_path: Path) -> None:
    clock, reader = ChangeClock(tmp_path / "changes"), ChangeClockReader(tmp_path / "changes")
    reader.now()
    clock.set(1, bytes(LONGEST))
    assert (reader.now(), reader.entries()) == (1, [])


def test_an_entry_that_memory_does_not_show_yet_is_none(tmp_path: Path) -> None:
    """Other processors may see that an entry was written before they see the entry."""
    file = tmp_path / "changes"
    ChangeClock(file)
    reader = ChangeClockReader(file)
    assert reader.entries() == []
    with file.open("r+b") as numbers:
        numbers.write(struct.pack("=QQ", 1, 100))
    assert (reader.now(), reader.entries()) == (1, [])


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "changes"
    file.touch(mode=0o644)
    ChangeClock(file)
    assert file.stat().st_mode & 0o777 == 0o600

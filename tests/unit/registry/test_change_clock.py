from __future__ import annotations

from pathlib import Path

from actors.registry.change_clock import ChangeClock, ChangeClockReader


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

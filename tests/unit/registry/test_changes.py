"""What a reader is told who follows all jobs of an owner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.registry.change_clock import ChangeClockReader
from actors.registry.change_feed import ChangeFeed, changes_after
from actors.registry.config import RegistryConfig
from actors.registry_answers import JobChanges


@pytest.fixture
def feed() -> ChangeFeed:
    return ChangeFeed(remembered=3)


def test_each_changed_job_is_named_once_with_the_latest_first(feed: ChangeFeed) -> None:
    start = feed.cursor
    for job in ("a", "b", "a"):
        feed.note("me", job)
    assert feed.changed("me", start) == ["a", "b"]


def test_the_jobs_of_others_are_not_told(feed: ChangeFeed) -> None:
    start = feed.cursor
    feed.note("you", "theirs")
    assert feed.remembers(start)
    assert feed.changed("me", start) == []


def test_what_came_before_the_cursor_is_not_told_again(feed: ChangeFeed) -> None:
    feed.note("me", "old")
    later = feed.cursor
    feed.note("me", "new")
    assert feed.changed("me", later) == ["new"]


def test_a_cursor_is_forgotten_once_a_change_after_it_is(feed: ChangeFeed) -> None:
    start = feed.cursor
    for job in "abc":
        feed.note("me", job)
    assert feed.remembers(start)
    feed.note("me", "d")
    assert not feed.remembers(start)
    assert feed.remembers(feed.cursor)


@pytest.mark.parametrize(
    "cursor", [None, "", "7", "x-1", "-", "{life}-99", "{life}-x", "{life}-" + "9" * 30, "{life}-²"]
)
def test_a_cursor_that_never_was_is_not_remembered(feed: ChangeFeed, cursor: str | None) -> None:
    life = feed.cursor.partition("-")[0]
    assert not feed.remembers(cursor and cursor.format(life=life))


def test_a_cursor_of_an_earlier_process_is_not_remembered(feed: ChangeFeed) -> None:
    assert not feed.remembers(ChangeFeed().cursor)


async def test_all_who_wait_for_an_owner_wake_at_the_first_change(feed: ChangeFeed) -> None:
    waiting = [asyncio.create_task(feed.next_change("me", 30)) for _ in range(2)]
    await asyncio.sleep(0)
    feed.note("me", "a")
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)


async def test_a_wait_ends_after_its_time(feed: ChangeFeed) -> None:
    await feed.next_change("me", 0.0)
    assert feed.changed("me", feed.cursor) == []


def test_what_changed_after_a_number_is_told_of_all_owners(feed: ChangeFeed) -> None:
    start = feed.number
    assert feed.changed_after(start) == ()
    for owner, job_id in [("me", "a"), ("you", "b"), (None, "c")]:
        feed.note(owner, job_id)
    assert set(feed.changed_after(start) or ()) == {"a", "b", "c"}
    assert feed.changed_after(feed.number - 1) == ("c",)
    feed.note("me", "a")
    assert feed.changed_after(start) is None  # more than the feed remembers
    assert feed.changed_after(ChangeFeed().number) is None


async def test_when_any_job_may_have_changed_nothing_before_is_remembered(feed: ChangeFeed) -> None:
    cursor, number = feed.cursor, feed.number
    waiting = asyncio.create_task(changes_after(cursor, "me", feed, no_jobs, 60.0))
    await asyncio.sleep(0)
    feed.forget()
    assert await waiting == JobChanges(cursor=feed.cursor, complete=False)
    assert feed.changed_after(number) is None


def test_a_clock_shows_the_number_of_the_newest_change(feed: ChangeFeed, tmp_path: Path) -> None:
    feed.show_in(tmp_path / "clock")
    reader = ChangeClockReader(tmp_path / "clock")
    for change in (lambda: None, lambda: feed.note("me", "a"), feed.forget):
        change()
        assert reader.now() == feed.number


def test_a_feed_goes_on_where_no_clock_can_be_made(feed: ChangeFeed, tmp_path: Path) -> None:
    feed.show_in(tmp_path / "gone" / "clock")
    start = feed.number
    feed.note("me", "a")
    assert feed.changed_after(start) == ("a",)
    assert not (tmp_path / "gone").exists()


async def no_jobs(job_ids: Sequence[str]) -> Sequence[None]:
    return [None for _ in job_ids]


@pytest.mark.parametrize(("clock", "clocks"), [("clock", {"clock-0", "clock-1"}), (None, {None})])
def test_registries_that_share_the_work_have_clocks_of_their_own(clock: str | None, clocks: set[str | None]) -> None:
    config = RegistryConfig(
        database_url="sqlite://", max_queued_jobs=1, max_queued_bytes=1, job_ttl_s=1.0, clock_file=clock
    )
    assert {each.clock_file for each in config.of_shards(2)} == clocks

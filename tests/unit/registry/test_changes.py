"""What a reader is told who follows all jobs of an owner."""

from __future__ import annotations

import asyncio

import pytest

from actors.registry.change_feed import ChangeFeed


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

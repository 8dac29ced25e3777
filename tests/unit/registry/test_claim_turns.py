"""Whose turn it is to claim, among dispatchers that wait for jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from actors.registry import claim_turns
from actors.registry.claim_turns import ClaimTurns


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> ClaimTurns:
    monkeypatch.setattr(claim_turns, "TURN_S", 600.0)  # no turn of these tests ends because its time is over
    return ClaimTurns()


@pytest.fixture
async def wait(turns: ClaimTurns) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    waits: list[asyncio.Task[None]] = []

    def wait(dispatcher: str, **how: bool) -> asyncio.Task[None]:
        waits.append(asyncio.create_task(turns.wait(dispatcher, **how)))
        return waits[-1]

    yield wait
    for each in waits:
        each.cancel()


async def settle() -> None:
    """Let every task go on as far as it can."""
    for _ in range(3):
        await asyncio.sleep(0)


async def woken(*waits: asyncio.Task[None]) -> list[bool]:
    await settle()
    return [wait.done() for wait in waits]


async def test_jobs_wake_only_the_dispatcher_that_has_waited_longest(turns, wait) -> None:
    first, second = wait("first"), wait("second")
    await settle()
    turns.wake()
    turns.wake()  # for another job: the first one will take it, too
    assert await woken(first, second) == [True, False]


async def test_the_next_one_has_its_turn_if_jobs_are_left(turns, wait) -> None:
    first, second, third = wait("first"), wait("second"), wait("third")
    await settle()
    turns.wake()
    turns.claimed(some_left=True)
    assert await woken(first, second, third) == [True, True, False]
    turns.claimed(some_left=False)
    assert await woken(third) == [False]
    turns.wake()
    assert await woken(third) == [True]


async def test_one_that_does_not_come_delays_the_next_one_for_a_moment_only(monkeypatch) -> None:
    monkeypatch.setattr(claim_turns, "TURN_S", 0.01)
    turns = ClaimTurns()
    dead, alive = (asyncio.create_task(turns.wait(name)) for name in ("dead", "alive"))
    await settle()
    turns.wake()
    async with asyncio.timeout(10):
        await asyncio.gather(dead, alive)


async def test_one_that_waits_no_longer_loses_its_place(turns, wait) -> None:
    first, second = wait("first"), wait("second")
    await settle()
    first.cancel()
    await settle()
    turns.wake()
    assert await woken(second) == [True]


async def test_all_calls_of_a_dispatcher_go_on_in_its_turn(turns, wait) -> None:
    """Ray does not end a call whose caller is gone, so the first one may be nobody's."""
    abandoned, other, again = wait("a"), wait("b"), wait("a")
    await settle()
    turns.wake()
    assert await woken(abandoned, again, other) == [True, True, False]


async def test_jobs_that_are_there_give_a_turn_at_once_unless_another_has_it(turns, wait) -> None:
    first, second = wait("first", some_left=True), wait("second", some_left=True)
    assert await woken(first, second) == [True, False]


async def test_a_turn_without_jobs_ends_and_the_wait_goes_on(turns) -> None:
    queued = [0]
    waiting = asyncio.create_task(turns.wait_for_jobs(lambda: queued[0]))
    await settle()
    turns.wake()  # for a job that another dispatcher took meanwhile
    assert await woken(waiting) == [False]
    queued[0] = 1
    turns.wake()
    assert await woken(waiting) == [True]

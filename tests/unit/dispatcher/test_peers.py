"""How several dispatchers share the parsers, and what they tell each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.dispatcher.peers import Peers, SharedDeaths, fair_part
from actors.errors import FleetUnavailable
from actors.scheduling.deaths import Deaths
from tests.threaded_registry import ThreadedRegistry

WANTS = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 500), min_size=1, max_size=8)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[ThreadedRegistry]:
    made = await asyncio.to_thread(ThreadedRegistry, tmp_path)
    yield made
    await made.close()


@given(WANTS, st.integers(8, 2_000))
def test_the_parts_add_up_to_all_slots_and_never_to_more(wants: dict[str, int], slots: int) -> None:
    parts = {me: fair_part(slots, wants, me) for me in wants}
    assert all(part >= 1 for part in parts.values())
    at_least_one_each = sum(part == 1 for part in parts.values())
    assert slots - len(wants) < sum(parts.values()) <= slots + at_least_one_each


@given(WANTS, st.integers(8, 2_000))
def test_nobody_gets_more_than_it_wants_while_another_gets_less(wants: dict[str, int], slots: int) -> None:
    parts = {me: fair_part(slots, wants, me) for me in wants}
    lacking = [parts[me] for me in wants if parts[me] < wants[me]]
    if lacking:
        assert all(part <= max(1, wants[me]) for me, part in parts.items())
        assert max(parts.values()) - min(lacking) <= 1


async def test_a_single_dispatcher_has_all_slots_and_asks_nobody(registry: ThreadedRegistry) -> None:
    registry.failures["meet"] = [AssertionError("asked")]
    alone = Peers(registry, "me", 1)
    assert await alone.part_of(64, 0) == 64
    assert alone.is_first


async def test_a_busy_dispatcher_gets_the_slots_that_idle_ones_do_not_want(registry: ThreadedRegistry) -> None:
    busy, idle = Peers(registry, "busy", 2), Peers(registry, "idle", 2)
    assert await idle.part_of(64, 0) == 64  # nobody else has come yet
    assert await busy.part_of(64, 500) == 64
    assert await idle.part_of(64, 10) == 10
    assert await busy.part_of(64, 500) == 54
    assert await idle.part_of(64, 500) == 32


async def test_one_dispatcher_is_the_first_and_another_one_once_it_has_left(registry: ThreadedRegistry) -> None:
    both = [Peers(registry, name, 2) for name in ("a", "b")]
    for peers in (*both, *both):
        await peers.part_of(64, 0)
    assert [peers.is_first for peers in both] == [True, False]
    await registry.leave("a")
    await both[1].part_of(64, 0)
    assert both[1].is_first


async def test_while_the_registry_is_away_each_takes_an_even_part(registry: ThreadedRegistry) -> None:
    registry.failures["meet"] = [FleetUnavailable("away")]
    assert await Peers(registry, "me", 4).part_of(64, 500) == 16


async def test_a_call_that_waited_behind_another_dispatchers_call_is_not_blamed(
    registry: ThreadedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.scheduling.deaths.SAME_MOMENT_S", 0.01)
    one, other = SharedDeaths(registry), SharedDeaths(registry)
    waited = await asyncio.gather(one.was_waiting(10.0, "parser"), other.was_waiting(11.0, "parser"))
    assert waited == [False, True]


async def test_deaths_of_two_parsers_have_nothing_to_do_with_each_other() -> None:
    deaths = Deaths(0.01)
    assert await asyncio.gather(deaths.was_waiting(1.0, "a"), deaths.was_waiting(2.0, "b")) == [False, False]


async def test_a_call_is_blamed_when_the_registry_cannot_say_otherwise(registry: ThreadedRegistry) -> None:
    registry.failures["was_waiting"] = [FleetUnavailable("away")]
    assert not await SharedDeaths(registry).was_waiting(10.0, "parser")

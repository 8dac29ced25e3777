"""The registry's handle while the registry does not answer. Fakes stand in for actors: no Ray runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError

from actors.errors import FleetUnavailable, StaleLease
from actors.handles.batching import Batched
from actors.handles.registry import RegistryHandle
from actors.messages import JobOutcome
from actors.registry_answers import QueueStats
from tests.waiting import eventually_async

STATS = QueueStats(queued=1, running=2)


def actor(answer: Callable[[], Coroutine[Any, Any, QueueStats]]) -> Any:
    """An actor whose `stats` call returns or raises what `answer` does."""
    return SimpleNamespace(stats=SimpleNamespace(remote=answer))


async def alive() -> QueueStats:
    return STATS


async def dead() -> QueueStats:
    raise ActorDiedError


async def restarting() -> QueueStats:
    raise ActorUnavailableError("restarting", None)


@dataclass
class Opener:
    """Opens the registry again; the first `failures` tries fail."""

    failures: int = 0
    opened: int = 0

    def __call__(self) -> Any:
        self.opened += 1
        if self.failures:
            self.failures -= 1
            raise ActorDiedError
        return actor(alive)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.handles.registry.REOPEN_AFTER_S", 0.0)


async def answered(registry: RegistryHandle) -> QueueStats | None:
    async def stats() -> QueueStats | None:
        with suppress(FleetUnavailable):
            return await registry.stats()
        return None

    return await eventually_async(stats, what="the registry answers")


@pytest.mark.parametrize("failures", [0, 2])
async def test_a_registry_that_is_gone_for_good_is_opened_again_until_that_succeeds(failures: int) -> None:
    opener = Opener(failures)
    registry = RegistryHandle(actor(dead), opener)
    with pytest.raises(FleetUnavailable):
        await registry.stats()
    assert await answered(registry) == STATS
    assert opener.opened == failures + 1


async def test_many_callers_open_a_dead_registry_once() -> None:
    opener = Opener()
    registry = RegistryHandle(actor(dead), opener)
    assert await asyncio.gather(*(answered(registry) for _ in range(20))) == [STATS] * 20
    assert opener.opened == 1


async def test_a_registry_that_ray_restarts_is_left_to_ray() -> None:
    opener = Opener()
    registry = RegistryHandle(actor(restarting), opener)
    with pytest.raises(FleetUnavailable):
        await registry.stats()
    assert asyncio.all_tasks() == {asyncio.current_task()}  # so nothing is left that could open it later
    assert opener.opened == 0


async def test_finishes_that_come_together_share_calls_and_each_gets_its_own_answer() -> None:
    calls: list[list[str]] = []

    async def finish_many(ends: list[tuple[str, str, JobOutcome]]) -> list[StaleLease | None]:
        calls.append([job_id for job_id, _, _ in ends])
        return [StaleLease("late") if lease == "old" else None for _, lease, _ in ends]

    registry = RegistryHandle(SimpleNamespace(finish_many=SimpleNamespace(remote=finish_many)), Opener())
    leases = {"a": "1", "b": "old", "c": "1"}
    finishes = (registry.finish(job_id, lease, JobOutcome()) for job_id, lease in leases.items())
    answers = await asyncio.gather(*finishes, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), StaleLease, type(None)]
    assert calls == [["a", "b", "c"]]


async def test_who_waits_behind_a_call_that_is_not_answered_hears_so_with_it() -> None:
    begun, silent = asyncio.Event(), asyncio.Event()
    calls: list[list[int]] = []

    async def call(keys: list[int]) -> list[int]:
        calls.append(keys)
        begun.set()
        await silent.wait()
        raise FleetUnavailable("silent")

    batched: Batched[int, int] = Batched(call)
    first = asyncio.create_task(batched.get(1))
    await begun.wait()
    second = asyncio.create_task(batched.get(2))
    await asyncio.sleep(0)
    silent.set()
    assert [type(error) for error in await asyncio.gather(first, second, return_exceptions=True)] == [
        FleetUnavailable,
        FleetUnavailable,
    ]
    assert calls == [[1]]

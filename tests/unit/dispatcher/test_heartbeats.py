"""The thread that reports running jobs to the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from actors.dispatcher.heartbeats import Heartbeats
from actors.messages import Heartbeat
from client.models import Progress
from tests.waiting import eventually_async


class Registry:
    """Keeps the ids of the jobs that are reported, and stops those in `cancelled`."""

    def __init__(self) -> None:
        self.reported: list[str] = []
        self.cancelled: list[str] = []

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        self.reported += [beat.job_id for beat in beats]
        return self.cancelled


class Jobs:
    """The running jobs, and how often the thread has looked at them."""

    def __init__(self) -> None:
        self.running: list[Heartbeat] = []
        self.stopped: list[tuple[str, str]] = []
        self.looks = 0

    def current(self) -> list[Heartbeat]:
        self.looks += 1
        return list(self.running)

    def stop(self, leases: Sequence[tuple[str, str]]) -> None:
        self.stopped += leases
        self.running = []


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
async def heartbeats(registry: Registry, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Heartbeats]:
    """They have begun, and seen that there is no job."""
    monkeypatch.setattr("actors.dispatcher.heartbeats.REPORT_EVERY_S", 0.01)
    heartbeats = Heartbeats(registry, jobs.current, jobs.stop)  # type: ignore[arg-type] # only `heartbeat` is called
    running = asyncio.create_task(heartbeats.run())
    await eventually_async(lambda: jobs.looks, what="a look at the jobs")
    yield heartbeats
    running.cancel()
    await asyncio.wait([running], timeout=30)
    assert running.cancelled()


async def test_a_job_that_begins_after_a_rest_is_reported(
    heartbeats: Heartbeats, registry: Registry, jobs: Jobs
) -> None:
    for name in ("a", "b"):
        jobs.running = [Heartbeat(job_id=name, lease="1", progress=Progress())]
        heartbeats.wake()
        await eventually_async(lambda name=name: name in registry.reported, what="a report")
        jobs.running = []


async def test_a_cancelled_job_is_stopped(heartbeats: Heartbeats, registry: Registry, jobs: Jobs) -> None:
    registry.cancelled = ["a"]
    jobs.running = [Heartbeat(job_id="a", lease="1", progress=Progress())]
    heartbeats.wake()
    await eventually_async(lambda: jobs.stopped, what="a stopped job")
    assert jobs.stopped[0] == ("a", "1")


async def test_the_thread_ends_while_there_is_no_job(heartbeats: Heartbeats, registry: Registry) -> None:
    assert registry.reported == []  # the fixture ends the thread, and fails if it does not end

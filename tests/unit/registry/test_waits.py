"""No wait misses the end of its job, whatever happens at the same moment.

Each example is a list of moments. What stands in one moment starts together, so that its changes share journal
transactions and reach a waiter between two turns of its loop.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import DocfleetError, JobExpired, JobNotFound
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec, JobView
from actors.registry import journaled_ledger
from actors.registry.registry import JobRegistry, RegistryConfig
from client.models import ParseOptions, Progress

NAMES = ("a", "b", "c")
WAIT_S = 600.0  # no wait of these tests may end because its time is over
PATIENCE_S = 20.0  # far from the milliseconds that a wake takes, and far from WAIT_S

EVENTS = st.sampled_from(
    ["submit", "claim", "heartbeat", "finish", "cancel", "release", "leave", "lapse", "restart", "follow", "await end"]
)
MOMENT = st.lists(st.tuples(EVENTS, st.sampled_from(NAMES)), min_size=1, max_size=6)
# Alone, for a job id that is used again after its job was removed is another job, which no client ever makes.
EXPIRY = st.just([("expire", "a")])
MOMENTS = st.lists(MOMENT | EXPIRY, min_size=1, max_size=12)


class Scene:
    """A registry, its dispatcher and its waiters. `told` holds each job's newest version ever told."""

    def __init__(self, folder: Path) -> None:
        self._config = RegistryConfig(
            database_url=f"sqlite:///{folder}/journal.db",
            max_queued_jobs=100,
            max_queued_bytes=100,
            job_ttl_s=10.0,
            lease_ticks=2,
        )
        self._now = 0.0
        self._started: list[JobRegistry] = []
        self._claims: dict[str, Claim] = {}
        self._beats = 0
        self._waiters: list[tuple[str, asyncio.Task[None]]] = []
        self._asking: set[asyncio.Task[JobView]] = set()
        self.told: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.restart()

    def restart(self) -> None:
        """Start a new process on the same journal. Calls in progress are repeated, as Ray does."""
        self._started.append(JobRegistry(self._config, lambda: self._now))
        for asking in self._asking:
            asking.cancel()

    @property
    def registry(self) -> JobRegistry:
        return self._started[-1]

    async def happen(self, event: str, name: str) -> None:
        if event == "restart":
            self.restart()
            return
        with suppress(DocfleetError):  # a stale lease, a job that is not there: not what these tests are about
            await getattr(self, f"_{event.replace(' ', '_')}")(name)

    async def _submit(self, name: str) -> None:
        file = InputFile(filename="a.pdf", blob="b", size=1, sha256="00")
        spec = JobSpec(job_id=name, files=(file,), options=ParseOptions(), submitted_at=0.0)
        await self._told(name, lambda: self.registry.submit(spec))

    async def _claim(self, name: str) -> None:
        for claim in await self.registry.claim("d", 1, 0.0, [(n, c.lease) for n, c in self._claims.items()]):
            self._claims[claim.spec.job_id] = claim

    async def _heartbeat(self, name: str) -> None:
        self._beats += 1
        progress = Progress(pages_done=self._beats)
        await self.registry.heartbeat([Heartbeat(job_id=name, lease=self._claims[name].lease, progress=progress)])

    async def _finish(self, name: str) -> None:
        await self.registry.finish(name, self._claims[name].lease, JobOutcome())

    async def _cancel(self, name: str) -> None:
        await self._told(name, lambda: self.registry.cancel(name, ""))

    async def _release(self, name: str) -> None:
        await self.registry.release([(name, self._claims[name].lease)])

    async def _leave(self, name: str) -> None:
        await self.registry.leave("d")

    async def _expire(self, name: str) -> None:
        self._now += 11.0
        expired = await self.registry.expired(10)
        await self.registry.forget(expired)
        self.told |= dict.fromkeys(expired, 0)

    async def _lapse(self, name: str) -> None:
        """Leave the ticks time to end a lease."""
        await asyncio.sleep(0.005)

    async def _follow(self, name: str) -> None:
        self._waiters.append((name, asyncio.create_task(self._following(name))))

    async def _await_end(self, name: str) -> None:
        self._waiters.append((name, asyncio.create_task(self._awaiting_end(name))))

    async def _following(self, name: str) -> None:
        with suppress(JobNotFound, JobExpired):
            view = await self._told(name, lambda: self.registry.get(name))
            while not view.status.ended:
                seen = view.version
                view = await self._told(name, lambda seen=seen: self.registry.wait(name, seen, WAIT_S))  # type: ignore[misc]
                assert view.version > seen

    async def _awaiting_end(self, name: str) -> None:
        with suppress(JobNotFound, JobExpired):
            view = await self._told(name, lambda: self.registry.wait_ended(name, WAIT_S))
            assert view.status.ended

    async def _told(self, name: str, ask: Callable[[], Coroutine[Any, Any, JobView]]) -> JobView:
        """An answer about a job. It is never older than anything told before the question."""
        floor = self.told[name]
        while True:
            asking = asyncio.create_task(ask())
            self._asking.add(asking)
            await asyncio.wait([asking])
            self._asking.discard(asking)
            if not asking.cancelled():
                break
        view = asking.result()
        assert view.version >= floor
        self.told[name] = max(self.told[name], view.version)
        return view

    async def check_that_nobody_waits_for_what_has_ended(self) -> None:
        unfinished = {
            view.job_id
            for view in await self.registry.get_many(NAMES)
            if isinstance(view, JobView) and not view.status.ended
        }
        due = [task for name, task in self._waiters if name not in unfinished]
        if due:
            _, late = await asyncio.wait(due, timeout=PATIENCE_S)
            assert not late, "a waiter missed the end of its job"
        for task in due:
            task.result()

    async def close(self) -> None:
        for _, task in self._waiters:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._waiters), return_exceptions=True)
        for registry in self._started:
            await registry.close()


async def played(moments: list[list[tuple[str, str]]], folder: Path) -> None:
    scene = Scene(folder)
    try:
        for moment in moments:
            results: list[Awaitable[None]] = [scene.happen(event, name) for event, name in moment]
            for result in await asyncio.gather(*results, return_exceptions=True):
                if isinstance(result, BaseException) and not isinstance(result, KeyError):  # no claim of that job yet
                    raise result
            await scene.check_that_nobody_waits_for_what_has_ended()
    finally:
        await scene.close()


@settings(deadline=None, max_examples=100)
@given(MOMENTS)
def test_no_waiter_misses_an_end_and_no_version_is_told_backwards(moments: list[list[tuple[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as fast:
        fast.setattr(journaled_ledger, "TICK_S", 0.002)
        asyncio.run(played(moments, Path(folder)))


@pytest.mark.parametrize("wait", ["follow", "await end"])
def test_a_waiter_hears_of_an_end_that_comes_with_a_heartbeat(wait: str, tmp_path: Path) -> None:
    start = [[("submit", "a")], [("claim", "a")], [(wait, "a")]]
    asyncio.run(played([*start, [("heartbeat", "a"), ("finish", "a")]], tmp_path))

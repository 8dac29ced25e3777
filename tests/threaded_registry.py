"""The real JobRegistry on an event loop of its own, as under Ray: any loop may call it. Tests may break its calls."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.errors import JobNotFound
from actors.messages import Claim, Heartbeat, JobView
from actors.registry.registry import JobRegistry, RegistryConfig


class ThreadedRegistry:
    """Every method of a JobRegistry, over SQLite in `folder`. As in the facade, `get` answers None for an unknown job.

    `claims` and `beats` hold what was given and reported, `held` the leases that the newest claim named. `failures` are
    raised by the next calls of a method, in turn. `before` is awaited on the registry's loop ahead of a method's calls,
    with its arguments.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] | None = None, **limits: Any) -> None:
        config = {"max_queued_jobs": 100, "max_queued_bytes": 10_000, "job_ttl_s": 1000.0, **limits}
        url = f"sqlite:///{folder}/journal.db"
        arguments = [clock] if clock else []
        self._registry = JobRegistry(RegistryConfig(database_url=url, **config), *arguments)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="registry")
        self._thread.start()
        self.claims: list[Claim] = []
        self.beats: list[Heartbeat] = []
        self.held: list[tuple[str, str]] = []
        self.failures: dict[str, list[Exception]] = defaultdict(list)
        self.before: dict[str, Callable[..., Awaitable[None]]] = {}

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]] = (),
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        self.held = list(held)
        claims: list[Claim] = await self._call("claim", dispatcher_id, limit, timeout_s, held, newcomers=newcomers)
        self.claims.extend(claims)
        return claims

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        stop: list[str] = await self._call("heartbeat", beats)
        self.beats.extend(beats)
        return stop

    async def get(self, job_id: str) -> JobView | None:
        try:
            view: JobView = await self._call("get", job_id)
        except JobNotFound:
            return None
        return view

    async def ended(self, job_id: str) -> JobView:
        """The job once it has ended. Raises TimeoutError when that takes too long."""
        view: JobView = await self._call("wait_ended", job_id, 30.0)
        if not view.status.ended:
            raise TimeoutError(f"job {job_id} did not end: {view}")
        return view

    def leases_of(self, job_id: str) -> list[str]:
        """The leases under which a job was claimed, in order."""
        return [claim.lease for claim in self.claims if claim.spec.job_id == job_id]

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any) -> Any:
            return await self._call(name, *args)

        return call

    async def _call(self, name: str, *args: Any, **named: Any) -> Any:
        if self.failures[name]:
            raise self.failures[name].pop(0)
        call = self._on_its_loop(name, args, named)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    async def _on_its_loop(self, name: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if name in self.before:
            await self.before[name](*args)
        return await getattr(self._registry, name)(*args, **named)

    async def close(self) -> None:
        await self._call("close")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_end_other_tasks(), self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()


async def _end_other_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

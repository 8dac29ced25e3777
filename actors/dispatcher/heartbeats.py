"""Renews the leases of running jobs, on a thread and an event loop of its own.

The dispatcher's loop may be busy for seconds. If it renewed the leases itself, they would run out meanwhile, and jobs
that go well would be delivered again. A loop that never answers again is found by Serve's health check.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from actors.dispatcher.ports import ClaimRegistry
from actors.errors import AWAY
from actors.messages import Heartbeat
from actors.telemetry.logs import get_logger
from actors.telemetry.retries import OnceAMinute
from client.models import Progress

log = get_logger()

BEAT_EVERY_S = 1.0  # far within a lease; also how soon a cancelled job is noticed
REPORT_EVERY_S = 0.25  # progress of all jobs travels together


class Heartbeats:
    """Reports the jobs that `current` returns. Calls `on_stop` with the (job id, lease) pairs to stop working on.

    `current` is called on the heartbeat thread, and `on_stop` on the loop that awaits `run`.
    """

    def __init__(
        self,
        registry: ClaimRegistry,
        current: Callable[[], Sequence[Heartbeat]],
        on_stop: Callable[[Sequence[tuple[str, str]]], None],
    ) -> None:
        self._registry = registry
        self._current = current
        self._on_stop = on_stop
        self._reported: dict[tuple[str, str], tuple[Progress, float]] = {}  # what the registry heard last, and when
        self._begun = threading.Event()
        self._outages = OnceAMinute()

    async def run(self) -> None:
        """Beat until cancelled. No beat is sent after that."""
        loop, ended = asyncio.get_running_loop(), threading.Event()
        thread = ThreadPoolExecutor(1, "heartbeats")
        beating = loop.run_in_executor(thread, asyncio.run, self._beat_until(ended, loop))
        try:
            await asyncio.shield(beating)
        finally:
            ended.set()
            self._begun.set()
            await asyncio.wait([beating])
            thread.shutdown(wait=False)

    def wake(self) -> None:
        """There is a job to report. The thread sleeps while there is none."""
        self._begun.set()

    async def _beat_until(self, ended: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        while not ended.is_set():
            self._begun.clear()
            if not (self._current() or ended.is_set()):
                self._begun.wait()  # blocks this loop, on which nothing else runs now
            await asyncio.sleep(REPORT_EVERY_S)  # before the report: most small jobs finish before one is due
            try:
                if stop := await self._beat():
                    loop.call_soon_threadsafe(self._on_stop, stop)
            except AWAY as error:  # the next report says the same again
                if self._outages.is_due(error.message):
                    log.warning("heartbeat_not_delivered", reason=error.message)

    async def _beat(self) -> list[tuple[str, str]]:
        now = time.monotonic()
        due = [beat for beat in self._current() if self._is_due(beat, now)]
        stop = await self._registry.heartbeat(due) if due else []
        recent = {key: heard for key, heard in self._reported.items() if now - heard[1] < BEAT_EVERY_S}
        self._reported = recent | {(beat.job_id, beat.lease): (beat.progress, now) for beat in due}
        return [(beat.job_id, beat.lease) for beat in due if beat.job_id in stop]

    def _is_due(self, beat: Heartbeat, now: float) -> bool:
        """Whether the job has progressed, or its lease should be renewed."""
        progress, heard_at = self._reported.get((beat.job_id, beat.lease), (None, 0.0))
        return progress is not beat.progress or now - heard_at >= BEAT_EVERY_S

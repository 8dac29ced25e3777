"""The Dispatcher: claims jobs, runs them side by side, keeps their leases, reports how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import stamina

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.dispatcher import cache
from actors.dispatcher.courier import Courier, CourierConfig
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.ports import JobSource, Parsers
from actors.dispatcher.slots import ParserSlots
from actors.dispatcher.sweeps import Sweeps
from actors.errors import AWAY, StaleLease, StoreUnavailable
from actors.logs import about, get_logger
from actors.messages import Claim, FileSoFar, Heartbeat
from actors.tracing import trace_id
from client.models import Progress

log = get_logger()

CLAIM_WAIT_S = 20.0
BEAT_EVERY_S = 1.0  # far within a lease: it is also how soon a cancelled job is noticed
REPORT_AT_MOST_EVERY_S = 0.25  # progress of all jobs travels together, as often as eyes can follow
RESIZE_EVERY_S = 1.0
#: Attempts for as long as the registry or its journal is away.
_until_back = partial(stamina.retry_context, on=AWAY, attempts=None, timeout=None, wait_max=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherConfig:
    """`jobs` run side by side at most. Without `keep_inputs` a job's files go as soon as it has ended. Blobs that no
    job owns go once they are older than `orphan_age_s`, which must be longer than an upload takes. With `result_cache`
    documents are answered from earlier jobs, whose results are kept for `result_ttl_s`."""

    jobs: int
    keep_inputs: bool = True
    orphan_age_s: float = 3600.0
    result_cache: bool = False
    result_ttl_s: float = 24 * 3600.0
    limits: JobLimits
    courier: CourierConfig = field(default_factory=CourierConfig)


@dataclass(slots=True)
class Running:
    """A claimed job, the task that works on it, and what the registry last heard of it."""

    claim: Claim
    run: JobRun
    task: asyncio.Task[None]
    reported: Progress
    heard_at: float

    def is_due(self, now: float) -> bool:
        """Whether there is news, or the lease should be renewed."""
        return self.run.progress is not self.reported or now - self.heard_at >= BEAT_EVERY_S


class Dispatcher:
    """Pulls work until it is stopped. Never parses: its loop only waits for the registry, parsers and blobs.

    `slots` are for everybody who sends work to the same parsers.
    """

    def __init__(self, jobs: JobSource, parsers: Parsers, blobs: BlobStore, config: DispatcherConfig) -> None:
        self.id = uuid.uuid4().hex
        self._jobs = jobs
        self._parsers = parsers
        self._blobs = blobs
        self._config = config
        self._cache = cache.ResultCache(blobs, parsers) if config.result_cache else None
        self._courier = Courier(jobs, blobs, config.courier)
        self._sweeps = Sweeps(jobs, blobs, orphan_age_s=config.orphan_age_s, result_ttl_s=config.result_ttl_s)
        self.slots = ParserSlots(2)
        self._running: dict[str, Running] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self._job_ended = asyncio.Event()
        self._progressed = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; then give the unfinished jobs back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._for_ever(self._claim))
                group.create_task(self._for_ever(self._heartbeat))
                group.create_task(self._for_ever(self._resize))
                group.create_task(self._for_ever(self._sweeps.expired))
                group.create_task(self._for_ever(self._sweeps.orphans))
                if not self._config.keep_inputs:
                    group.create_task(self._for_ever(self._sweeps.inputs_of_ended_jobs))
                group.create_task(self._for_ever(self._courier.work))
        finally:
            await self._courier.close()
            self._stop(list(self._running))
            await asyncio.gather(*self._aside, return_exceptions=True)

    async def so_far(self, job_id: str) -> list[FileSoFar] | None:
        """What there is of a job's files; None when this dispatcher does not work on it."""
        running = self._running.get(job_id)
        return await running.run.so_far() if running else None

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat `step`; a registry that is away is waited for, with back-off."""
        while True:
            async for attempt in _until_back():
                with attempt:
                    await step()

    async def _claim(self) -> None:
        while len(self._running) >= self._config.jobs:
            self._job_ended.clear()
            await self._job_ended.wait()
        free = self._config.jobs - len(self._running)
        for claim in await self._jobs.claim(self.id, free, CLAIM_WAIT_S):
            self._start(claim)

    def _start(self, claim: Claim) -> None:
        if claim.spec.job_id in self._running:  # the registry repeated an answer that got lost on its way
            return
        limits, on_progress = self._config.limits, self._progressed.set
        run = JobRun(claim.spec, self._parsers, self._blobs, self.slots, limits, on_progress, self._cache)
        task = asyncio.create_task(self._work(claim, run))
        self._running[claim.spec.job_id] = Running(claim, run, task, run.progress, time.monotonic())

    async def _work(self, claim: Claim, run: JobRun) -> None:
        spec = claim.spec
        with about(job=spec.job_id, request_id=spec.request_id, trace_id=trace_id(spec.traceparent)):
            await self._work_on(claim, run)

    async def _work_on(self, claim: Claim, run: JobRun) -> None:
        job_id = claim.spec.job_id
        try:
            outcome = await run.run()
            async for attempt in _until_back():
                with attempt:
                    await self._jobs.finish(job_id, claim.lease, outcome)
            self._let_go(claim)
            log.info("job_finished", attempt=claim.attempt, failure=outcome.failure and outcome.failure.code.value)
            if claim.spec.destinations:
                self._courier.look()
            if not self._config.keep_inputs:
                self._beside(self._remove_inputs(job_id))
        except StaleLease:
            log.warning("job_was_taken_over")
        except asyncio.CancelledError:
            log.info("job_stopped")
            raise
        except Exception:
            # Its lease runs out and the job is delivered again, which a bug here must not turn into a loss.
            log.exception("job_failed_unexpectedly")
        finally:
            self._let_go(claim)

    async def _remove_inputs(self, job_id: str) -> None:
        try:
            await self._blobs.delete_prefix(inputs_of(job_id))
        except StoreUnavailable as error:
            log.warning("inputs_left_behind", job=job_id, reason=error.message)  # to the sweep

    def _let_go(self, claim: Claim) -> None:
        """Free a job's place, unless the job is in it under another lease by now."""
        running = self._running.get(claim.spec.job_id)
        if running and running.claim.lease == claim.lease:
            del self._running[claim.spec.job_id]
        self._job_ended.set()

    async def _heartbeat(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_EVERY_S):  # Python 3.11's wait_for can swallow a cancellation
                await self._progressed.wait()
        await asyncio.sleep(REPORT_AT_MOST_EVERY_S)  # before the report: many a small job needs none, for it has ended
        self._progressed.clear()
        now = time.monotonic()
        due = {job_id: running for job_id, running in self._running.items() if running.is_due(now)}
        if due:
            await self._report(due, now)

    async def _report(self, due: Mapping[str, Running], now: float) -> None:
        beats = [
            Heartbeat(job_id=job_id, lease=running.claim.lease, progress=running.run.progress)
            for job_id, running in due.items()
        ]
        stop = await self._jobs.heartbeat(self.id, beats)
        for running, beat in zip(due.values(), beats, strict=True):
            running.reported, running.heard_at = beat.progress, now
        self._stop(stop)

    async def _resize(self) -> None:
        """Keep about twice the live capacity in flight: what waits at the parsers is what the autoscaler sees."""
        self.slots.resize(2 * max(1, self._parsers.running()))
        await asyncio.sleep(RESIZE_EVERY_S)

    def _stop(self, job_ids: Sequence[str]) -> None:
        """Stop working on jobs. One may take its time, in a write to a store that hangs: the others' leases do not
        wait for it, and its own is not renewed."""
        for job_id in job_ids:
            if running := self._running.get(job_id):
                self._let_go(running.claim)
                self._beside(self._give_back(running))

    async def _give_back(self, running: Running) -> None:
        """Once nothing works on it any more: the registry knows whether it is cancelled or queued again."""
        running.task.cancel()
        await asyncio.wait([running.task])
        async for attempt in _until_back():
            with attempt:
                await self._jobs.release(self.id, [(running.claim.spec.job_id, running.claim.lease)])

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it done while the loops go on. A dispatcher that ends waits for it."""
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

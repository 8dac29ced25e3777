"""The Dispatcher: claims jobs, runs them side by side, keeps their leases, reports how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import stamina

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.dispatcher import cache
from actors.dispatcher.fair_semaphore import ParserSlots
from actors.dispatcher.garbage_collection import GarbageCollector
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.ports import ClaimRegistry, Parsers
from actors.errors import AWAY, StaleLease, StoreUnavailable
from actors.messages import Claim, Heartbeat, PartialFile
from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.tracing import trace_id
from client.models import Progress

log = get_logger()

CLAIM_WAIT_S = 5.0  # the claim of a dispatcher that was killed may still take jobs for this long
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


@dataclass(slots=True, eq=False)
class Running:
    """A claimed job, the task that works on it, and what the registry last heard of it."""

    claim: Claim
    run: JobRun
    task: asyncio.Task[None] = field(init=False)
    reported: Progress
    heard_at: float

    @property
    def lease(self) -> tuple[str, str]:
        return self.claim.spec.job_id, self.claim.lease

    def is_due(self, now: float) -> bool:
        """Whether there is news, or the lease should be renewed."""
        return self.run.progress is not self.reported or now - self.heard_at >= BEAT_EVERY_S


class Dispatcher:
    """Pulls work until it is stopped. Never parses: its loop only waits for the registry, parsers and blobs.

    `slots` are for everybody who sends work to the same parsers. `on_delivery_due` is called when a job has ended that
    somebody wants to hear of.
    """

    def __init__(
        self,
        jobs: ClaimRegistry,
        parsers: Parsers,
        blobs: BlobStore,
        config: DispatcherConfig,
        on_delivery_due: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self._jobs = jobs
        self._parsers = parsers
        self._blobs = blobs
        self._config = config
        self._on_delivery_due = on_delivery_due
        self._cache = cache.ResultCache(blobs, parsers) if config.result_cache else None
        self._garbage = GarbageCollector(
            jobs, blobs, orphan_age_s=config.orphan_age_s, result_ttl_s=config.result_ttl_s
        )
        self.slots = ParserSlots(2)
        self._running: dict[str, Running] = {}
        self._stopping: set[Running] = set()  # no longer at work, and not yet given back
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
                group.create_task(self._for_ever(self._garbage.expired))
                group.create_task(self._for_ever(self._garbage.orphans))
                if not self._config.keep_inputs:
                    group.create_task(self._for_ever(self._garbage.inputs_of_ended_jobs))
        finally:
            await self._stop_all()
            await self._jobs.leave(self.id)

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        """What there is of a job's files; None when this dispatcher does not work on it."""
        running = self._running.get(job_id)
        return await running.run.partial_files() if running else None

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat `step`; a registry that is away is waited for, with back-off."""
        while True:
            await _patiently(step)

    async def _claim(self) -> None:
        while len(self._running) >= self._config.jobs:
            self._job_ended.clear()
            await self._job_ended.wait()
        free = self._config.jobs - len(self._running)
        held = [running.lease for running in (*self._running.values(), *self._stopping)]
        for claim in await self._jobs.claim(self.id, free, CLAIM_WAIT_S, held):
            self._start(claim)

    def _start(self, claim: Claim) -> None:
        if at_work := self._running.get(claim.spec.job_id):  # its lease ran out, but the work goes on
            at_work.claim = claim
            return
        limits, on_progress = self._config.limits, self._progressed.set
        run = JobRun(claim.spec, self._parsers, self._blobs, self.slots, limits, on_progress, self._cache)
        running = Running(claim, run, reported=run.progress, heard_at=time.monotonic())
        running.task = asyncio.create_task(self._work(running))
        self._running[claim.spec.job_id] = running

    async def _work(self, running: Running) -> None:
        spec = running.claim.spec
        with bound_context(job=spec.job_id, request_id=spec.request_id, trace_id=trace_id(spec.traceparent)):
            await self._work_on(running)

    async def _work_on(self, running: Running) -> None:
        spec = running.claim.spec
        try:
            outcome = await running.run.run()
            await _patiently(lambda: self._jobs.finish(*running.lease, outcome))
            self._let_go(running)
            failure = outcome.failure and outcome.failure.code.value
            log.info("job_finished", attempt=running.claim.attempt, failure=failure)
            if spec.destinations:
                self._on_delivery_due()
            if not self._config.keep_inputs:
                self._beside(self._remove_inputs(spec.job_id))
        except StaleLease:
            log.warning("job_was_taken_over")
        except asyncio.CancelledError:
            log.info("job_stopped")
            raise
        except Exception:
            log.exception("job_failed_unexpectedly")
            # To be delivered again: a bug here must not turn into a loss.
            await _patiently(lambda: self._jobs.release([running.lease]))
        finally:
            self._let_go(running)

    async def _remove_inputs(self, job_id: str) -> None:
        try:
            await self._blobs.delete_prefix(inputs_of(job_id))
        except StoreUnavailable as error:
            log.warning("inputs_left_behind", job=job_id, reason=error.message)  # to the sweep

    def _let_go(self, running: Running) -> None:
        """Free a job's place, unless the job is in it anew by now."""
        if self._running.get(running.claim.spec.job_id) is running:
            del self._running[running.claim.spec.job_id]
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
        stop = await self._jobs.heartbeat(beats)
        for running, beat in zip(due.values(), beats, strict=True):
            running.reported, running.heard_at = beat.progress, now
            if beat.job_id in stop and beat.lease == running.claim.lease:  # not one that it was given anew meanwhile
                self._stop(running)

    async def _resize(self) -> None:
        """Keep about twice the live capacity in flight: what waits at the parsers is what the autoscaler sees."""
        self.slots.resize(2 * max(1, self._parsers.running()))
        await asyncio.sleep(RESIZE_EVERY_S)

    def _stop(self, running: Running) -> None:
        """Stop working on a job. It may take its time, in a write to a store that hangs: the others' leases do not
        wait for it, and its own is not renewed."""
        self._let_go(running)
        self._stopping.add(running)
        self._beside(self._give_back(running))

    async def _give_back(self, running: Running) -> None:
        """Once nothing works on it any more: the registry knows whether it is cancelled or delivered again."""
        running.task.cancel()
        await asyncio.wait([running.task])
        await _patiently(lambda: self._jobs.release([running.lease]))
        self._stopping.discard(running)

    async def _stop_all(self) -> None:
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._aside, return_exceptions=True)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it done while the loops go on. A dispatcher that ends waits for it."""
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


async def _patiently(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat a call for as long as they are away."""
    async for attempt in _until_back():
        with attempt:
            await call()

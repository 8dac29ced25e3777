"""The Dispatcher: claims jobs, runs them side by side, and reports how they ended."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.dispatcher import cache
from actors.dispatcher.garbage_collection import GarbageCollector
from actors.dispatcher.heartbeats import Heartbeats
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.peers import Peers, SharedDeaths
from actors.dispatcher.ports import ClaimRegistry, Parsers, SourceFetcher
from actors.dispatcher.sources import Sources
from actors.endpoints import Endpoints
from actors.errors import AWAY, StaleLease, StoreUnavailable
from actors.messages import Claim, Heartbeat, PartialFile
from actors.scheduling.fair_semaphore import STANDSTILL_S
from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.retries import retry_context
from actors.telemetry.tracing import trace_id

log = get_logger()

CLAIM_WAIT_S = 5.0  # a claim that a killed dispatcher left behind may still take jobs for this long
GATHER_S = 0.05  # a claim costs as much for one job as for many, so it waits for more free places
GATHER_PART = 4  # until this part of all places is free
RESIZE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherConfig:
    """At most `jobs` run side by side, and as many again that only wait for their sources. `dispatchers` and
    `shards` are the numbers of dispatchers and registries of the service.

    Without `keep_inputs` a job's files are removed when it ends. Blobs of no job are removed once they are older than
    `orphan_age_s`, which must be longer than an upload takes. With `result_cache`, documents are answered from the
    results of earlier jobs, which are kept for `result_ttl_s`. With `blobs_expire`, the store removes blobs itself.
    `endpoints` are the remote models that a job may name.
    """

    jobs: int
    dispatchers: int = 1
    shards: int = 1
    blobs_expire: bool = False
    keep_inputs: bool = True
    orphan_age_s: float = 3600.0
    result_cache: bool = False
    endpoints: Endpoints = field(default_factory=dict)
    result_ttl_s: float = 24 * 3600.0
    limits: JobLimits


@dataclass(slots=True, eq=False)
class Running:
    """A claimed job and the task that works on it."""

    claim: Claim
    run: JobRun
    task: asyncio.Task[None] = field(init=False)

    @property
    def lease(self) -> tuple[str, str]:
        return self.claim.spec.job_id, self.claim.lease

    @property
    def heartbeat(self) -> Heartbeat:
        job_id, lease = self.lease
        return Heartbeat(job_id=job_id, lease=lease, progress=self.run.progress, fetched=self.run.fetched)


class Dispatcher:
    """Pulls work until it is stopped. Never parses: its loop only waits for the registry, parsers and blobs.

    Everything that sends work to the same parsers shares `slots`. `on_delivery_due` is called when a job with a
    callback or webhook has ended. `dispatcher_id` differs from that of every other dispatcher, past ones included.
    """

    def __init__(
        self,
        jobs: ClaimRegistry,
        parsers: Parsers,
        blobs: BlobStore,
        fetcher: SourceFetcher,
        config: DispatcherConfig,
        on_delivery_due: Callable[[], None] = lambda: None,
        dispatcher_id: str | None = None,
    ) -> None:
        self.id = dispatcher_id or uuid.uuid4().hex
        self._jobs = jobs
        self._parsers = parsers
        self._blobs = blobs
        self._config = config
        self._on_delivery_due = on_delivery_due
        self._sources = Sources(fetcher, blobs)
        self._cache = cache.ResultCache(blobs, parsers, config.endpoints) if config.result_cache else None
        self._garbage = GarbageCollector(
            jobs,
            blobs,
            orphan_age_s=config.orphan_age_s,
            result_ttl_s=config.result_ttl_s,
            shards=config.shards,
            blobs_expire=config.blobs_expire,
        )
        self._peers = Peers(jobs, self.id, config.dispatchers)
        self.slots = ParserSlots(2, SharedDeaths(jobs) if config.dispatchers > 1 else None, parsers.running)
        self._running: dict[str, Running] = {}
        self._stopping: set[Running] = set()  # told to stop, and not yet given back
        self._background: set[asyncio.Task[None]] = set()
        self._job_ended = asyncio.Event()
        self._heartbeats = Heartbeats(jobs, self._current_heartbeats, self._stop_leases)

    async def run(self) -> None:
        """Work until cancelled; then give the unfinished jobs back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._heartbeats.run())
                group.create_task(_repeat(self._claim))
                group.create_task(_repeat(self._resize))
                for sweep in self._garbage.sweeps(keep_inputs=self._config.keep_inputs):
                    group.create_task(_repeat(partial(self._sweep, sweep)))
        finally:
            await self._stop_all()
            await self._jobs.leave(self.id)

    def change_limits(self, limits: JobLimits) -> None:
        """Run further jobs within `limits`. Those that run already keep theirs."""
        self._config = replace(self._config, limits=limits)

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        """The files of a job as far as they are parsed; None when this dispatcher does not work on the job."""
        running = self._running.get(job_id)
        return await running.run.partial_files() if running else None

    async def _claim(self) -> None:
        try:
            async with asyncio.timeout(STANDSTILL_S):
                await self._have_free_places(1)
        except TimeoutError:
            await self._let_newcomer_in()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._have_free_places(self._config.jobs // GATHER_PART)
        for claim in await self._jobs.claim(self.id, self._free_places(), CLAIM_WAIT_S, self._held()):
            self._start(claim)

    async def _let_newcomer_in(self) -> None:
        """While no call of a parser ends, take a job of an owner who has none here, beyond the places.

        So the jobs of one owner that hang do not keep out another. The places double at most.
        """
        if self.slots.stands_still() and self._free_places() > -self._config.jobs:
            for claim in await self._jobs.claim(self.id, 1, 0.0, self._held(), newcomers=True):
                self._start(claim)

    def _held(self) -> list[tuple[str, str]]:
        return [running.lease for running in (*self._running.values(), *self._stopping)]

    async def _have_free_places(self, wanted: int) -> None:
        """Wait for at least so many."""
        while self._free_places() < wanted:
            self._job_ended.clear()
            await self._job_ended.wait()

    def _free_places(self) -> int:
        """A slow source must not take the place of jobs that parsers can work on."""
        waiting = sum(running.run.only_fetches for running in self._running.values())
        return self._config.jobs - len(self._running) + min(waiting, self._config.jobs)

    def _start(self, claim: Claim) -> None:
        if running := self._running.get(claim.spec.job_id):  # its lease ran out; the work goes on under the new one
            running.claim = claim
            return
        run = JobRun(
            claim.spec, self._parsers, self._blobs, self.slots, self._config.limits, self._sources, self._cache
        )
        running = Running(claim, run)
        running.task = asyncio.create_task(self._work(running))
        self._running[claim.spec.job_id] = running
        self._heartbeats.wake()

    async def _work(self, running: Running) -> None:
        spec = running.claim.spec
        with bound_context(job=spec.job_id, request_id=spec.request_id, trace_id=trace_id(spec.traceparent)):
            await self._work_on(running)

    async def _work_on(self, running: Running) -> None:
        spec = running.claim.spec
        try:
            outcome = await running.run.run()
            await _retry_while_away(lambda: self._jobs.finish(*running.lease, outcome))
            self._free_place(running)
            failure = outcome.failure and outcome.failure.code.value
            log.info("job_finished", attempt=running.claim.attempt, failure=failure)
            if spec.destinations:
                self._on_delivery_due()
            if not self._config.keep_inputs:
                self._in_background(self._remove_inputs(spec.job_id))
        except StaleLease:
            log.warning("job_was_taken_over")
        except asyncio.CancelledError:
            log.info("job_stopped")
            raise
        except Exception:
            log.exception("job_failed_unexpectedly")
            # Have the job delivered again: a bug here must not lose it.
            await _retry_while_away(lambda: self._jobs.release([running.lease]))
        finally:
            self._free_place(running)

    async def _remove_inputs(self, job_id: str) -> None:
        try:
            await self._blobs.delete_prefix(inputs_of(job_id))
        except StoreUnavailable as error:
            log.warning("inputs_left_behind", job=job_id, reason=error.message)  # garbage collection removes them

    def _free_place(self, running: Running) -> None:
        """Free a job's place, unless the job was claimed again meanwhile and is back in it."""
        if self._running.get(running.claim.spec.job_id) is running:
            del self._running[running.claim.spec.job_id]
        self._job_ended.set()

    def _current_heartbeats(self) -> list[Heartbeat]:
        """On the heartbeat thread: `list` copies the jobs in one step."""
        return [running.heartbeat for running in list(self._running.values())]

    async def _resize(self) -> None:
        """Keep about twice the live capacity in flight, together with the other dispatchers.

        Serve's autoscaler counts the calls that wait at parsers.
        """
        self.slots.look_at_fleet()
        self.slots.let_newcomer_in()
        self.slots.resize(await self._peers.part_of(2 * max(1, self._parsers.running()), self.slots.wanted))
        await asyncio.sleep(RESIZE_EVERY_S)

    async def _sweep(self, sweep: Callable[[], Awaitable[None]]) -> None:
        """Only one dispatcher sweeps: the others would look at the same blobs."""
        if self._peers.is_first:
            await sweep()
        else:
            await asyncio.sleep(RESIZE_EVERY_S)

    def _stop_leases(self, leases: Sequence[tuple[str, str]]) -> None:
        """Stop the jobs that are still held under one of `leases`; a job may have got a new lease meanwhile."""
        for running in [running for running in self._running.values() if running.lease in leases]:
            self._stop(running)

    def _stop(self, running: Running) -> None:
        """Stop working on a job. That may take long, in a write to a store that hangs, and nothing waits for it."""
        self._free_place(running)
        self._stopping.add(running)
        self._in_background(self._give_back(running))

    async def _give_back(self, running: Running) -> None:
        """Release the job once nothing works on it: the registry cancels it or delivers it again."""
        running.task.cancel()
        await asyncio.wait([running.task])
        await _retry_while_away(lambda: self._jobs.release([running.lease]))
        self._stopping.discard(running)

    async def _stop_all(self) -> None:
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._background, return_exceptions=True)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` while the loops go on. A dispatcher that ends waits for it."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _repeat(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await _retry_while_away(step)


async def _retry_while_away(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat a call, with back-off, while the registry or its journal is away."""
    async for attempt in retry_context(on=AWAY, attempts=None, timeout=None, wait_max=2.0):
        with attempt:
            await call()

"""Keeps the ledger and the journal in step: runs effects, ticks the clock, and reloads after a failed write."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from actors.errors import StoreUnavailable
from actors.messages import JobView
from actors.registry.claim_turns import ClaimTurns
from actors.registry.commits import GroupCommit
from actors.registry.journal import Journal, JournalTaken
from actors.registry.ledger import Ledger, Limits
from actors.registry.measures import measure_queue, measured
from actors.registry.opening import open_patiently
from actors.registry.read_model import ReadModel
from actors.registry.record import Effect, JobRecord, Recovered
from actors.telemetry.logs import get_logger
from actors.telemetry.retries import AsyncRetryingCaller

log = get_logger()

P = ParamSpec("P")
T = TypeVar("T")

TICK_S = 1.0  # between two ticks of the ledger; longer when the process is suspended or busy


class JournaledLedger:
    """Belongs to one event loop. The journal runs on threads of its own, and only one of them writes."""

    def __init__(self, journal: Journal, limits: Limits, clock: Callable[[], float]) -> None:
        """Load the unfinished jobs from the journal. Raises JournalUnusable."""
        self.read_model = ReadModel()
        self.claim_turns = ClaimTurns()
        self._journal = journal
        self._limits = limits
        self._clock = clock
        self._writer = ThreadPoolExecutor(1, "journal-writer")
        self._readers = ThreadPoolExecutor(2, "journal-reader")
        self._commits = GroupCommit(self._writer, measured(journal.write), self.read_model.put, self._on_failure)
        self._ticker: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._ledger: Ledger | None = None  # None from a failed write until the journal has been read again
        self._begin(open_patiently(journal))

    @property
    def ledger(self) -> Ledger:
        """Raises StoreUnavailable while the journal cannot be reached."""
        if self._ticker is None or self._ticker.done():  # not started in __init__: Ray runs that outside the loop
            self._ticker = asyncio.create_task(self._tick_for_ever())
        if self._ledger is None:
            raise StoreUnavailable("The job journal cannot be reached at present; please try again")
        return self._ledger

    def run(self, effects: Sequence[Effect]) -> None:
        """Start writing the ledger's effects; `settled` waits until they are durable."""
        self._commits.add(effects)

    async def settled(self) -> None:
        """Return once everything run so far is durable. Raises StoreUnavailable when the write fails."""
        await self._commits.settled()

    def view(self, job: JobRecord) -> JobView:
        return job.view(self._ledger.position(job.job_id) if self._ledger else None)

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method that reads the journal."""
        return await self._on(self._readers, call, *args, **kwargs)

    async def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method that writes data outside the ledger, such as deliveries and tombstones."""
        return await self._on(self._writer, call, *args, **kwargs)

    async def close(self) -> None:
        """Close the journal once everything acknowledged is in it."""
        for task in filter(None, (self._ticker, self._recovery)):
            task.cancel()
        with contextlib.suppress(StoreUnavailable):
            await self.settled()
        self._ledger = None
        self._writer.shutdown()
        self._readers.shutdown()
        self._journal.close()

    def _begin(self, recovered: Recovered) -> None:
        self._ledger = Ledger(recovered, self._limits)
        self.read_model.reset(self._ledger.jobs)
        self.claim_turns.wake()
        log.info("registry_ready", queued=self._ledger.queued, running=self._ledger.running, epoch=recovered.epoch)

    def _on_failure(self, error: Exception) -> None:
        """The ledger is now ahead of the journal: drop it, and reload it as soon as the journal can be read."""
        log.error("journal_write_failed", exc_info=error)
        self._ledger = None
        self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        retrying = AsyncRetryingCaller(attempts=None, timeout=None, wait_max=2.0)
        try:
            self._begin(await retrying(_unless_taken, self.write, self._journal.open))
        except JournalTaken:
            log.critical("registry_was_replaced")  # another process took over; this one refuses every call from now on

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._ledger:
                self._tick(self._ledger)

    def _tick(self, ledger: Ledger) -> None:
        if effects := ledger.tick(self._clock()):
            self.run(effects)
            self.claim_turns.wake()
        measure_queue(ledger, self._clock(), self._journal.shard)

    async def _on(self, thread: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, partial(call, *args, **kwargs))


def _unless_taken(error: Exception) -> bool:
    """Keep trying, even where an operator must act first: a journal that worked can work again, for example after a
    failover to a read-only database, or once file handles are free."""
    return not isinstance(error, JournalTaken)

"""What a process knows of jobs, and whether that is still all there is to know."""

from __future__ import annotations

import asyncio
import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from actors.errors import DocfleetError
from actors.messages import JobView
from actors.registry_answers import JobReading
from client.models import JobStatusEnum

#: Jobs that are kept, the most recently read or changed ones.
KEPT = 1000

#: Queued jobs whose place is asked for together with that of another.
ASKED_TOGETHER = 100


class Clock(Protocol):
    def now(self) -> int | None:
        """The number of the newest change in the registry; None when this process cannot know it."""
        ...

    def entries(self) -> Sequence[bytes]:
        """The changes since the last call, pickled, as far as they are still known: number, job id, and job or None."""
        ...

    async def moved(self) -> None:
        """Return once the clock may have moved since the last call."""
        ...


class _NoClock:
    def now(self) -> None:
        return None

    def entries(self) -> Sequence[bytes]:
        return ()

    async def moved(self) -> None:
        await asyncio.Event().wait()


#: For a process that is not on the machine of the registry.
NO_CLOCK: Clock = _NoClock()


class KnownJobs:
    """The jobs of earlier readings and changes. Invariant: each is as it was at change number `seen`, or newer.

    While the clock shows that number, nothing has changed since, so the answer of this process is that of the registry.
    It is never older than what any other process was told before, because the registry moves the clock before it
    tells anybody.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: OrderedDict[str, JobView] = OrderedDict()
        self._queued: set[str] = set()
        self._misses_changes = True  # until the next answer of the registry
        self._waiters: defaultdict[str, set[asyncio.Future[bool]]] = defaultdict(set)
        self._looking: asyncio.Task[None] | None = None
        self.seen = 0

    @property
    def hears_of_changes(self) -> bool:
        """Whether this process can wait for a change without a call."""
        return self._clock.now() is not None

    def get(self, job_id: str) -> JobView | None:
        """The job as it is now; None when the registry has to be asked."""
        job = self.peek(job_id)
        return None if job and lacks_place(job) else job

    def peek(self, job_id: str) -> JobView | None:
        """The job as in `get`, but its place in the queue may be missing."""
        if not self._is_current():
            return None
        if job := self._jobs.get(job_id):
            self._jobs.move_to_end(job_id)
        return job

    def _is_current(self) -> bool:
        """Take in what the clock tells of changes. Returns whether none is missing."""
        if self._clock.now() == self.seen:
            return True
        if self._misses_changes:
            return False
        for entry in self._clock.entries():
            number, job_id, job = pickle.loads(entry)
            if number == self.seen + 1:
                self._take(number, job_id, job)
        self._misses_changes = self._clock.now() != self.seen
        return not self._misses_changes

    def without_place(self) -> list[str]:
        """Queued jobs whose place is not known. One call can ask for all of them."""
        return [job_id for job_id in self._queued if lacks_place(self._jobs[job_id])][:ASKED_TOGETHER]

    def _take(self, number: int, job_id: str, job: JobView | None) -> None:
        self.seen = number
        before = self._jobs.get(job_id)
        if not (_is_out_of_queue(before) and _is_out_of_queue(job)):
            self._forget_places()
        self._forget((job_id,))
        if job:
            self._keep(job)
        self._wake((job_id,))

    def _forget_places(self) -> None:
        for job_id in self._queued:
            self._jobs[job_id] = replace(self._jobs[job_id], queue_position=None)

    def learn(self, reading: JobReading, asked_with: int) -> Sequence[JobView | DocfleetError | None]:
        """Take in what the registry answered to a question with `seen`, which was `asked_with` then. Returns its
        answers."""
        if self.seen != asked_with:
            return reading.jobs  # the clock has told of changes meanwhile, and that may be newer
        if reading.changed is None:
            self._forget(tuple(self._jobs))
            self._wake(tuple(self._waiters))
        elif reading.changed:
            self._forget(reading.changed)
            self._forget_places()
            self._wake(reading.changed)
        self.seen, self._misses_changes = reading.clock, False
        for job in reading.jobs:
            if isinstance(job, JobView):
                self._keep(job)
        return reading.jobs

    def _keep(self, job: JobView) -> None:
        self._jobs[job.job_id] = job
        if job.status is JobStatusEnum.PENDING:
            self._queued.add(job.job_id)
        if len(self._jobs) > KEPT:
            self._forget((next(iter(self._jobs)),))

    def _forget(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            self._jobs.pop(job_id, None)
            self._queued.discard(job_id)

    async def next_change(self, job_id: str, timeout_s: float) -> bool:
        """Wait until the job may have changed, for `timeout_s` seconds at most. Returns whether it may have."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters[job_id].add(waiter)
        self._notice()  # the clock may have moved since the caller looked
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters[job_id].discard(waiter)
            if not self._waiters[job_id]:
                del self._waiters[job_id]

    async def _look(self) -> None:
        """Look for changes while somebody waits. Where some are missing, all go and ask the registry."""
        while self._waiters:
            await self._clock.moved()
            self._notice()

    def _notice(self) -> None:
        if not self._is_current():
            self._wake(tuple(self._waiters))

    def _wake(self, job_ids: Iterable[str]) -> None:
        for waiter in [waiter for job_id in job_ids for waiter in self._waiters.get(job_id, ())]:
            if not waiter.done():
                waiter.set_result(True)


def _is_out_of_queue(job: JobView | None) -> bool:
    return job is not None and job.status is not JobStatusEnum.PENDING


def lacks_place(job: JobView) -> bool:
    """Whether the job waits in the queue, and its place there is not known: a change does not tell it."""
    return job.status is JobStatusEnum.PENDING and job.queue_position is None

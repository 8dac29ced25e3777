"""What a process knows of jobs, and whether that is still all there is to know."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from actors.errors import DocfleetError
from actors.messages import JobReading, JobView

#: Jobs that are kept, the most recently read ones.
KEPT = 1000


class Clock(Protocol):
    def now(self) -> int | None:
        """The number of the newest change in the registry; None when this process cannot know it."""
        ...


class _NoClock:
    def now(self) -> None:
        return None


#: For a process that is not on the machine of the registry.
NO_CLOCK: Clock = _NoClock()


class KnownJobs:
    """The jobs of earlier readings. Invariant: each is as it was at change number `seen`, or newer.

    While the clock shows that number, nothing has changed since, so the answer of this process is that of the registry.
    It is never older than what any other process was told before, because the registry moves the clock before it
    tells anybody.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: OrderedDict[str, JobView] = OrderedDict()
        self.seen = 0

    def get(self, job_id: str) -> JobView | None:
        """The job as it is now; None when the registry has to be asked."""
        if self._clock.now() != self.seen:
            return None
        if job := self._jobs.get(job_id):
            self._jobs.move_to_end(job_id)
        return job

    def learn(self, reading: JobReading) -> Sequence[JobView | DocfleetError | None]:
        """Take in what the registry answered to a question with `seen`. Returns its answers."""
        if reading.changed is None:
            self._jobs.clear()
        else:
            self._forget((*reading.changed, *self._queued(reading)))
        self.seen = reading.clock
        for job in reading.jobs:
            if isinstance(job, JobView):
                self._jobs[job.job_id] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)
        return reading.jobs

    def _queued(self, reading: JobReading) -> list[str]:
        """Jobs whose place in the queue may differ now. It changes with other jobs."""
        return [job.job_id for job in self._jobs.values() if job.queue_position is not None] if reading.changed else []

    def _forget(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            self._jobs.pop(job_id, None)

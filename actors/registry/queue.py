"""The queue order: first in, first out for each owner, and owners share the dispatchers evenly."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from operator import attrgetter

from actors.registry.record import JobRecord

_SEQ = attrgetter("seq")


class FairQueue:
    """The queued jobs. The next job belongs to the owner with the fewest running jobs; on a tie, the oldest job wins.

    The order depends on the jobs alone, so a restart does not change it. Lists sorted by `seq` are fast enough:
    admission bounds their length, and moving 100,000 pointers takes microseconds.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, list[JobRecord]] = {}
        self._running: Counter[str] = Counter()
        self.queued = 0
        self.queued_bytes = 0
        self._bytes_of: Counter[str] = Counter()

    @property
    def running(self) -> int:
        return self._running.total()

    @property
    def oldest_at(self) -> float | None:
        """When the oldest queued job was submitted; None when the queue is empty. Linear in the number of owners."""
        return min((jobs[0].spec.submitted_at for jobs in self._jobs.values()), default=None)

    def add(self, job: JobRecord) -> None:
        insort(self._jobs.setdefault(job.spec.owner, []), job, key=_SEQ)
        self.queued += 1
        self.queued_bytes += job.size
        self._bytes_of[job.spec.owner] += job.size

    def remove(self, job: JobRecord) -> None:
        jobs = self._jobs[job.spec.owner]
        del jobs[bisect_left(jobs, job.seq, key=_SEQ)]
        self._bytes_of[job.spec.owner] -= job.size
        if not jobs:
            del self._jobs[job.spec.owner], self._bytes_of[job.spec.owner]
        self.queued -= 1
        self.queued_bytes -= job.size

    def of(self, owner: str) -> tuple[int, int]:
        """The number of an owner's queued jobs, and the total bytes of their files."""
        return len(self._jobs.get(owner, ())), self._bytes_of.get(owner, 0)

    def start(self, owner: str) -> None:
        """Count one more running job of `owner`."""
        self._running[owner] += 1

    def stop(self, owner: str) -> None:
        """Count one running job of `owner` less."""
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]

    def peek(self) -> JobRecord | None:
        """The next job, or None when the queue is empty. Linear in the number of owners."""
        firsts = (jobs[0] for jobs in self._jobs.values())
        return min(firsts, key=lambda job: (self._running[job.spec.owner], job.seq), default=None)

    def position(self, job: JobRecord) -> int:
        """A queued job's place in the queue: 1 is the next.

        Exact with a single owner. With several it assumes that all have the same number of running jobs.
        """
        ahead = bisect_left(self._jobs[job.spec.owner], job.seq, key=_SEQ)
        others = (jobs for owner, jobs in self._jobs.items() if owner != job.spec.owner)
        return 1 + ahead + sum(min(len(jobs), ahead) for jobs in others)

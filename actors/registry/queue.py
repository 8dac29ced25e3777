"""The queue order: first in, first out for each owner, and owners share the dispatchers evenly."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from heapq import heapify, heappop, heappush
from operator import attrgetter

from actors.registry.fenwick import PrefixSums
from actors.registry.record import JobRecord

_SEQ = attrgetter("seq")

#: An owner's rank in the order: its running jobs, the `seq` of its first queued job, and its name.
_Rank = tuple[int, int, str]


class FairQueue:
    """The queued jobs. The next job belongs to the owner with the fewest running jobs; on a tie, the oldest job wins.

    The order depends on the jobs alone, so a restart does not change it. No method looks at every owner or at every
    running job. An owner's jobs are a list sorted by `seq`, which is fast enough: admission bounds its length, and
    moving 100,000 pointers takes microseconds.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, list[JobRecord]] = {}
        self._running: Counter[str] = Counter()
        self._ranks: list[_Rank] = []  # a heap; ranks that are no longer true are dropped when they come up
        self._by_age: list[tuple[int, str]] = []  # a heap of (seq, owner), likewise
        self._as_long = PrefixSums()  # at position n: how many owners have at least n queued jobs
        self.queued = 0
        self.running = 0
        self.queued_bytes = 0
        self._bytes_of: Counter[str] = Counter()

    @property
    def oldest_at(self) -> float | None:
        """When the oldest queued job was submitted; None when the queue is empty."""
        while self._by_age and not self._is_first(*self._by_age[0]):
            heappop(self._by_age)
        return self._jobs[self._by_age[0][1]][0].spec.submitted_at if self._by_age else None

    def add(self, job: JobRecord) -> None:
        owner = job.spec.owner
        jobs = self._jobs.setdefault(owner, [])
        insort(jobs, job, key=_SEQ)
        self._as_long.add(len(jobs), 1)
        self.queued += 1
        self.queued_bytes += job.size
        self._bytes_of[owner] += job.size
        self._rank(owner)

    def remove(self, job: JobRecord) -> None:
        owner = job.spec.owner
        jobs = self._jobs[owner]
        del jobs[bisect_left(jobs, job.seq, key=_SEQ)]
        self._as_long.add(len(jobs) + 1, -1)
        self._bytes_of[owner] -= job.size
        if not jobs:
            del self._jobs[owner], self._bytes_of[owner]
        self.queued -= 1
        self.queued_bytes -= job.size
        self._rank(owner)

    def of(self, owner: str) -> tuple[int, int]:
        """The number of an owner's queued jobs, and the total bytes of their files."""
        return len(self._jobs.get(owner, ())), self._bytes_of.get(owner, 0)

    def runs(self, owner: str) -> bool:
        """Whether a job of `owner` is running."""
        return self._running[owner] > 0

    def start(self, owner: str) -> None:
        """Count one more running job of `owner`."""
        self.running += 1
        self._running[owner] += 1
        self._rank(owner)

    def stop(self, owner: str) -> None:
        """Count one running job of `owner` less."""
        self.running -= 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        self._rank(owner)

    def peek(self) -> JobRecord | None:
        """The next job, or None when the queue is empty."""
        while self._ranks and not self._is_true(self._ranks[0]):
            heappop(self._ranks)
        return self._jobs[self._ranks[0][2]][0] if self._ranks else None

    def position(self, job: JobRecord) -> int:
        """A queued job's place in the queue: 1 is the next.

        Exact with a single owner. With several it assumes that all have the same number of running jobs.
        """
        ahead = bisect_left(self._jobs[job.spec.owner], job.seq, key=_SEQ)
        return 1 + self._as_long.up_to(ahead)  # of every owner, its own included, at most as many jobs go first

    def _rank(self, owner: str) -> None:
        """Note where `owner` stands now."""
        if owner not in self._jobs:
            return
        first = self._jobs[owner][0].seq
        heappush(self._ranks, (self._running[owner], first, owner))
        heappush(self._by_age, (first, owner))
        if len(self._ranks) + len(self._by_age) > 4 * (self.queued + 16):
            self._drop_outdated()

    def _drop_outdated(self) -> None:
        self._ranks = [rank for rank in set(self._ranks) if self._is_true(rank)]
        self._by_age = [age for age in set(self._by_age) if self._is_first(*age)]
        heapify(self._ranks)
        heapify(self._by_age)

    def _is_true(self, rank: _Rank) -> bool:
        running, seq, owner = rank
        return self._is_first(seq, owner) and self._running[owner] == running

    def _is_first(self, seq: int, owner: str) -> bool:
        return owner in self._jobs and self._jobs[owner][0].seq == seq

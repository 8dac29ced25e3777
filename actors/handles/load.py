"""Which of many replicas has the fewest calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class LeastLoaded(Generic[K]):
    """Counts the calls of each member. A pick takes logarithmic time, however many members there are.

    The heap also holds entries that are no longer true. They are dropped when they come up, and all at once when there
    are too many of them.
    """

    def __init__(self) -> None:
        self._calls: Counter[K] = Counter()
        self._members: Collection[K] = ()
        self._heap: list[tuple[int, float, K]] = []

    def calls(self, member: K) -> int:
        return self._calls[member]

    def choose_among(self, members: Collection[K]) -> None:
        """Replace the members. The counts of those that return are kept."""
        self._members = members
        self._rebuild()

    def started(self, member: K) -> None:
        self._count(member, 1)

    def ended(self, member: K) -> None:
        self._count(member, -1)

    def pick(self, is_usable: Callable[[K], bool]) -> K | None:
        """The usable member with the fewest calls, and on a tie a random one. None when no member is usable."""
        unusable = []
        picked = None
        while self._heap and picked is None:
            calls, _, member = self._heap[0]
            if self._calls[member] == calls and is_usable(member):
                picked = member
            else:
                unusable.append(heappop(self._heap))
        for entry in unusable:
            if self._calls[entry[2]] == entry[0]:
                heappush(self._heap, entry)
        return picked

    def _count(self, member: K, by: int) -> None:
        self._calls[member] += by
        if self._calls[member] <= 0:
            del self._calls[member]  # it may be gone for good
        if member in self._members:
            heappush(self._heap, self._entry(member))
            if len(self._heap) > 4 * (len(self._members) + 16):
                self._rebuild()

    def _rebuild(self) -> None:
        self._heap = [self._entry(member) for member in self._members]
        heapify(self._heap)

    def _entry(self, member: K) -> tuple[int, float, K]:
        return self._calls[member], random.random(), member

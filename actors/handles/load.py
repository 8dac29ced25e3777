"""Which of many replicas has the fewest calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class LeastLoaded(Generic[K]):
    """Counts the calls of each member. A pick takes logarithmic time, however many members there are.

    Of members with equally many calls, the one comes first whose last call began or ended longest ago. So a call goes
    behind the one that ends first. Before that, chance decides: other processes send calls to the same members.

    The heap also holds entries that are no longer true. They are dropped when they come up, and all at once when there
    are too many of them.
    """

    def __init__(self) -> None:
        self._calls: Counter[K] = Counter()
        self._changes = count(1)
        self._order: dict[K, float] = {}  # of the members with equally many calls; a change puts a member last
        self._heap: list[tuple[int, float, K]] = []

    def calls(self, member: K) -> int:
        return self._calls[member]

    def choose_among(self, members: Collection[K]) -> None:
        """Replace the members. The counts of those that return are kept."""
        self._order = {member: self._order.get(member, random.random()) for member in members}
        self._rebuild()

    def started(self, member: K) -> None:
        self._count(member, 1)

    def ended(self, member: K) -> None:
        self._count(member, -1)

    def pick(self, is_usable: Callable[[K], bool]) -> K | None:
        """The usable member with the fewest calls. None when no member is usable."""
        unusable = []
        picked = None
        while self._heap and picked is None:
            entry = self._heap[0]
            if self._is_true(entry) and is_usable(entry[2]):
                picked = entry[2]
            else:
                unusable.append(heappop(self._heap))
        for entry in unusable:
            if self._is_true(entry):
                heappush(self._heap, entry)
        return picked

    def _count(self, member: K, by: int) -> None:
        self._calls[member] += by
        if self._calls[member] <= 0:
            del self._calls[member]  # it may be gone for good
        if member in self._order:
            self._order[member] = next(self._changes)
            heappush(self._heap, self._entry(member))
            if len(self._heap) > 4 * (len(self._order) + 16):
                self._rebuild()

    def _rebuild(self) -> None:
        self._heap = [self._entry(member) for member in self._order]
        heapify(self._heap)

    def _is_true(self, entry: tuple[int, float, K]) -> bool:
        return entry[2] in self._order and entry == self._entry(entry[2])

    def _entry(self, member: K) -> tuple[int, float, K]:
        return self._calls[member], self._order[member], member

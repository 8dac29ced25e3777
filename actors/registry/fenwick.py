"""Prefix sums of counts that change."""

from __future__ import annotations


class PrefixSums:
    """Counts at the positions 1, 2, 3, …; a Fenwick tree that grows. Both methods take logarithmic time."""

    def __init__(self) -> None:
        self._tree = [0, 0]  # position 0 is not used; the length is always a power of two

    def add(self, position: int, by: int) -> None:
        while position >= len(self._tree):
            self._grow()
        while position < len(self._tree):
            self._tree[position] += by
            position += position & -position

    def up_to(self, position: int) -> int:
        """The sum of the counts at the positions from 1 to `position`."""
        position = min(position, len(self._tree) - 1)
        total = 0
        while position:
            total += self._tree[position]
            position &= position - 1
        return total

    def _grow(self) -> None:
        size = len(self._tree)
        self._tree += [0] * size
        self._tree[size] = self.up_to(size - 1)

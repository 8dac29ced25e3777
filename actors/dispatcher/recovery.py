"""Tells whether the fleet can bear the death of another parser."""

from __future__ import annotations

import math

#: Parsers beyond this many make no difference: one is at risk, and the others go on.
ENOUGH = 2

#: A parser that died starts again within this time, in seconds. Later the fleet has shrunk for another reason.
RESTART_S = 60.0


class Recovery:
    """A call that may kill its parser waits until another parser goes on without it.

    So it waits until two parsers live. A fleet that has fewer for a minute is smaller: then it waits for what there is.
    """

    def __init__(self) -> None:
        self._seen_at = [-math.inf] * ENOUGH  # when more than 0, more than 1 parsers lived, in monotonic time

    def is_complete(self, parsers: int, now: float) -> bool:
        """Whether the parsers that died are back, when `parsers` live now."""
        for fewer in range(min(parsers, ENOUGH)):
            self._seen_at[fewer] = now
        return parsers >= ENOUGH or now - self._seen_at[parsers] > RESTART_S

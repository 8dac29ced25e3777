"""Finds the call that killed a parser among those that failed with it."""

from __future__ import annotations

import asyncio
import time

#: Calls of one process that fail within this time of each other failed together. Ray fails all calls of a dead replica
#: at once.
SAME_MOMENT_S = 0.1


class Deaths:
    """Tells the call that a parser worked on when it died from the calls that waited behind it.

    A parser works on its calls in the order in which they were sent, and its death fails all of them together. Of the
    calls that fail together the oldest was at work. When the parser of a call is not known (""), and two parsers die at
    the same moment, the younger call counts as waiting too. Then it is tried once more than it should be, which does no
    harm.
    """

    def __init__(self, same_moment_s: float | None = None) -> None:
        self._moment_s = SAME_MOMENT_S if same_moment_s is None else same_moment_s
        self._recent: list[tuple[float, float, str]] = []  # when a call failed, when it had been sent, its parser

    async def was_waiting(self, sent_at: float, parser: str = "") -> bool:
        """Whether a call that has just failed only waited, and is not to blame. All callers give `sent_at` on one
        clock, in seconds."""
        now = time.monotonic()
        self._recent = [each for each in self._recent if each[0] > now - 2 * self._moment_s]
        self._recent.append((now, sent_at, parser))
        await asyncio.sleep(self._moment_s)  # the failure of the older call may be reported later
        waited = any(
            abs(at - now) <= self._moment_s and sent < sent_at for at, sent, of in self._recent if of == parser
        )
        if not waited:
            await asyncio.sleep(self._moment_s)  # so that those that waited are ahead of it when they are repeated
        return waited

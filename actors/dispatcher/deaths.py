"""Finds the call that killed a parser among those that failed with it."""

from __future__ import annotations

import asyncio
import time

#: Calls that fail within this time of each other failed together. Ray fails all calls of a dead replica at once.
SAME_MOMENT_S = 0.1


class Deaths:
    """Tells the call that a parser worked on when it died from the calls that waited behind it.

    A parser works on its calls in the order in which they were sent, and its death fails all of them together. Of the
    calls that fail together the oldest was at work. When two parsers die at the same moment, the younger call counts
    as waiting too. Then it is tried once more than it should be, which does no harm.
    """

    def __init__(self) -> None:
        self._recent: list[tuple[float, float]] = []  # when a call failed, and when it had been sent

    async def was_waiting(self, sent_at: float) -> bool:
        """Whether a call that has just failed only waited, and is not to blame. `sent_at` is in monotonic time."""
        now = time.monotonic()
        self._recent = [(at, sent) for at, sent in self._recent if at > now - 2 * SAME_MOMENT_S]
        self._recent.append((now, sent_at))
        await asyncio.sleep(SAME_MOMENT_S)  # the failure of the older call may be reported later
        waited = any(abs(at - now) <= SAME_MOMENT_S and sent < sent_at for at, sent in self._recent)
        if not waited:
            await asyncio.sleep(SAME_MOMENT_S)  # so that those that waited are ahead of it when they are repeated
        return waited

"""How to wait for a job: pure decisions; the caller passes the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JsonDict = dict[str, Any]
OnProgress = Callable[[JsonDict], None]

SHORTEST_LOOK_S = 0.01
LONGEST_LOOK_S = 60.0  # the longest `wait` that a server grants
LATENCY_S = 1.0  # how late a response may arrive that the server held until the deadline
#: Pause after a changed status, as a share of the time waited so far. A job of many pages changes often, and a request
#: per change would cost the server more than the job. A result is late by at most this share, and at most this cap.
PAUSE_SHARE = 0.05
LONGEST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Asks for a job at least every `poll_interval` seconds, for `timeout` seconds (None: no limit) from `started`.

    Every request asks the server to hold its answer until something changes, so the end of a job is seen at once.
    """

    started: float
    poll_interval: float = 1.0
    timeout: float | None = None
    on_progress: OnProgress | None = None

    def left(self, now: float) -> float:
        """Seconds until the timeout."""
        return math.inf if self.timeout is None else max(0.0, self.started + self.timeout - now)

    def hold(self, now: float) -> float:
        """Seconds for which a request sent now asks the server to hold its answer."""
        return min(max(self.poll_interval, SHORTEST_LOOK_S), LONGEST_LOOK_S, self.left(now))

    def pause(self, *, asked: float, held: float, now: float, changed: bool) -> float:
        """Seconds to wait before the next request, after one sent at `asked` with a hold of `held` seconds."""
        rest = asked + held - now
        if rest <= 0:
            return 0.0  # the server held its answer for the whole time
        if not changed:
            return rest  # an early answer without a change: this server does not hold, so poll
        return min(rest, LONGEST_PAUSE_S, PAUSE_SHARE * (now - self.started))

"""How a job is waited for: pure decisions, the time passed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JsonDict = dict[str, Any]
OnProgress = Callable[[JsonDict], None]

SHORTEST_LOOK_S = 0.01
LONGEST_LOOK_S = 60.0  # the longest `wait` that a server grants
LATENCY_S = 1.0  # by how much an answer that was held until the deadline may come after it
#: Pause after a look that saw a change, as a share of the time waited so far: a job of many pages changes often, and a
#: look at every change would cost the server more than the job. A result is late by at most this share and this cap.
PAUSE_SHARE = 0.05
LONGEST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Looks at a job, at most `poll_interval` seconds apart, for `timeout` seconds (None: for ever) from `started`.

    Every look asks the server to hold its answer until something changes, so an end is seen when it comes.
    """

    started: float
    poll_interval: float = 1.0
    timeout: float | None = None
    on_progress: OnProgress | None = None

    def left(self, now: float) -> float:
        """Seconds until it is over."""
        return math.inf if self.timeout is None else max(0.0, self.started + self.timeout - now)

    def hold(self, now: float) -> float:
        """How long the look that starts now asks the server to hold its answer."""
        return min(max(self.poll_interval, SHORTEST_LOOK_S), LONGEST_LOOK_S, self.left(now))

    def pause(self, *, asked: float, held: float, now: float, changed: bool) -> float:
        """Seconds to leave the server alone after a look that began at `asked`, with a hold of `held` seconds."""
        rest = asked + held - now
        if rest <= 0:
            return 0.0  # it held its answer as long as it was asked to
        if not changed:
            return rest  # nothing new, and still it answered early: it can't hold, so this is polling
        return min(rest, LONGEST_PAUSE_S, PAUSE_SHARE * (now - self.started))

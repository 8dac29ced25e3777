"""How often one caller may ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """A token bucket for each caller: `per_s` requests a second, and one second's worth at once.

    Each ingress replica counts for itself, so a caller gets up to their number times as much; what that protects is
    a replica's time, too. Callers are names of keys, so there are only ever a few.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = max(1.0, per_s)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_for(self, caller: str) -> float:
        """0 when the caller may go on; else after how many seconds it may."""
        now = self._clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._per_s)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0

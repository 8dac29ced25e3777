"""Limits the request rate of each caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """One token bucket per caller: `per_s` requests per second, with bursts of one second's worth.

    Every ingress replica counts separately, so N replicas allow N times the rate. Callers are names of API keys, so the
    number of buckets stays small.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = max(1.0, per_s)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_for(self, caller: str) -> float:
        """Seconds until the caller may send its next request; 0 when it may send one now."""
        now = self._clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._per_s)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0

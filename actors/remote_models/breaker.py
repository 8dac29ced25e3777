"""Tells an endpoint that is down from one that fails a page, and keeps requests away from it for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

#: How long an endpoint that is down gets no requests. Then one request finds out whether it is back.
REST_S = 15.0

#: So many requests in a row without an answer in time, and at least one for each place, mean that nobody answers.
LEAST_SILENT = 3


class Breaker:
    """`places` is how many requests run at once. `clock` gives seconds that never go back."""

    def __init__(self, places: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._most_silent = max(LEAST_SILENT, places)
        self._silent = 0
        self._answered_at = float("-inf")
        self._down = False
        self._rests_until = 0.0
        self._one_at_a_time = asyncio.Lock()

    def turn(self) -> AbstractAsyncContextManager[Any]:
        """Hold this while a request runs. At an endpoint that is down, requests run one at a time."""
        return self._one_at_a_time if self._down else nullcontext()

    @property
    def rests(self) -> bool:
        """Whether the endpoint is down, and not to be asked yet."""
        return self._down and self._clock() < self._rests_until

    def answered(self) -> None:
        """The endpoint answered, well or not."""
        self._silent = 0
        self._answered_at = self._clock()
        self._down = False

    def trip(self) -> None:
        """The endpoint is down."""
        self._down = True
        self._rests_until = self._clock() + REST_S

    def failed(self) -> bool:
        """A request failed in a way that may pass. Whether the endpoint was down before, and still is."""
        return self._tripped_if(down=self._down)

    def gave_up(self, since: float) -> bool:
        """A question that failed at `since`, and in further tries, was given up. Whether nobody else got an answer
        meanwhile, so that the endpoint is down."""
        return self._tripped_if(down=self._answered_at < since)

    def stayed_silent(self) -> bool:
        """A request got no answer in time. Whether so many did that the endpoint is down."""
        self._silent += 1
        return self._tripped_if(down=self._down or self._silent >= self._most_silent)

    def _tripped_if(self, *, down: bool) -> bool:
        if down:
            self.trip()
        return down

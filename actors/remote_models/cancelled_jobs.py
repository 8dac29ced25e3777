"""Keeps the jobs that are being cancelled from beginning further requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: A job has many calls, and each is cancelled by a message of its own. So after the first of them, no call of that job
#: begins a request for so many seconds. Ray repeats a cancel that overtook its call 2 s later.
REST_S = 5.0


class CancelledJobs:
    """The jobs of which a call was cancelled just now. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rests_until: dict[str, float] = {}

    @contextmanager
    def noted(self, job_id: str) -> Iterator[None]:
        """Let the job rest if the work in this context is cancelled.

        Leave the context in the step that frees the work's place: before the job's next call can run with it.
        """
        try:
            yield
        except asyncio.CancelledError:
            now = self._clock()
            self._rests_until = {job: until for job, until in self._rests_until.items() if until > now}
            self._rests_until[job_id] = now + REST_S
            raise

    def rest_s(self, job_id: str) -> float:
        """For how many seconds the job must not begin a request: mostly 0."""
        return max(0.0, self._rests_until.get(job_id, 0.0) - self._clock())

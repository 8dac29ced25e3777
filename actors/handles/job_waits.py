"""Waits for jobs, without a call of the registry for each: this process hears of changes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from actors.errors import JobExpired, JobNotFound
from actors.handles.known_jobs import KnownJobs, lacks_place
from actors.messages import JobView

#: So often, a waiter asks the registry all the same. Otherwise it would not notice that the registry is gone.
ASK_EVERY_S = 2.0


class JobWaits:
    """`read` asks the registry for a job: None for an unknown one. It raises JobExpired for a removed one."""

    def __init__(self, known: KnownJobs, read: Callable[[str], Awaitable[JobView | None]]) -> None:
        self._known = known
        self._read = read

    async def ended(self, job_id: str, timeout_s: float, owner: str | None) -> JobView:
        """As `JobRegistry.wait_ended`."""
        try:
            job = await self.until(lambda job: owner not in (None, job.owner), job_id, timeout_s)
        except JobExpired as expired:
            raise (expired if owner in (None, expired.owner) else JobNotFound.of(job_id)) from None
        if owner not in (None, job.owner):
            raise JobNotFound.of(job_id)
        return job

    async def until(self, reached: Callable[[JobView], bool], job_id: str, timeout_s: float) -> JobView:
        """The job once `reached` is true or it has ended, at the latest after `timeout_s`.

        Raises JobNotFound, JobExpired.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        job = self._known.peek(job_id) or await self._asked(job_id)
        while not (job.status.ended or reached(job)) and (left := deadline - now()) > 0:
            changed = await self._known.next_change(job_id, min(left, ASK_EVERY_S))
            job = (changed and self._known.peek(job_id)) or await self._asked(job_id)
        return await self._asked(job_id) if lacks_place(job) else job

    async def _asked(self, job_id: str) -> JobView:
        job = await self._read(job_id)
        if job is None:
            raise JobNotFound.of(job_id)
        return job

"""What readers see: the unfinished jobs as they are in the journal. Readers can also wait here for a change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from actors.registry.change_feed import ChangeFeed
from actors.registry.record import JobRecord


class ReadModel:
    """Committed jobs only. The ledger may be one commit ahead, and readers must not see what may still fail."""

    def __init__(self) -> None:
        #: Every change that readers can see.
        self.feed = ChangeFeed()
        self._jobs: dict[str, JobRecord] = {}
        self._changes: dict[str, asyncio.Future[None]] = {}

    def get(self, job_id: str) -> JobRecord | None:
        return self._jobs.get(job_id)

    def put(self, job: JobRecord) -> None:
        """Show a job and wake its waiters. An ended job leaves the read model; readers find it in the journal."""
        if job.ended:
            self._jobs.pop(job.job_id, None)
        else:
            self._jobs[job.job_id] = job
        if change := self._changes.pop(job.job_id, None):
            change.set_result(None)
        self.feed.note(job.spec.owner, job.job_id, job.view())

    def reset(self, jobs: Iterable[JobRecord]) -> None:
        """Replace everything with the jobs from the journal, and wake all waiters to read again."""
        self._jobs = {job.job_id: job for job in jobs}
        changes, self._changes = self._changes, {}
        for change in changes.values():
            change.set_result(None)
        self.feed.forget()

    async def next_change(self, job_id: str, timeout_s: float) -> None:
        """Return after the job changes, or after `timeout_s`.

        Returns no record: several changes can be shown before a waiter runs, so each waiter reads the newest state.
        """
        change = self._changes.get(job_id)
        if change is None:
            change = self._changes[job_id] = asyncio.get_running_loop().create_future()
        await asyncio.wait([change], timeout=timeout_s)  # all waiters of a job share one future

"""What readers see: the unfinished jobs as they are in the journal, and who waits for which to change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from actors.registry.record import JobRecord


class ReadModel:
    """Committed jobs only: the ledger may be one commit ahead, and nobody may see what could still fail."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRecord] = {}
        self._changes: dict[str, asyncio.Future[None]] = {}

    def get(self, job_id: str) -> JobRecord | None:
        return self._jobs.get(job_id)

    def put(self, job: JobRecord) -> None:
        """Show a job to whoever waits for it. One that has ended leaves the read_model: it is read from the journal."""
        if job.ended:
            self._jobs.pop(job.job_id, None)
        else:
            self._jobs[job.job_id] = job
        if change := self._changes.pop(job.job_id, None):
            change.set_result(None)

    def reset(self, jobs: Iterable[JobRecord]) -> None:
        """Start again from the journal. Everybody who waits has to look anew."""
        self._jobs = {job.job_id: job for job in jobs}
        changes, self._changes = self._changes, {}
        for change in changes.values():
            change.set_result(None)

    async def next_change(self, job_id: str, timeout_s: float) -> None:
        """Return after the job changes, or after `timeout_s`.

        Carries no record: several changes can be shown before a waiter runs, so each waiter reads the newest one.
        """
        change = self._changes.get(job_id)
        if change is None:
            change = self._changes[job_id] = asyncio.get_running_loop().create_future()
        await asyncio.wait([change], timeout=timeout_s)  # all who wait for a job share one future

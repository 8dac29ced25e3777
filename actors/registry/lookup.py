"""Finds jobs where they are: unfinished ones in the read model, ended ones in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from actors.errors import JobExpired, JobNotFound
from actors.messages import InputFile, JobView
from actors.registry.journal import Journal
from actors.registry.journaled_ledger import JournaledLedger
from actors.registry.lifecycle import ON_THE_WIRE, State
from actors.registry.record import JobRecord
from client.models import JobStatusEnum

LIST_AT_MOST = 1000


class Lookup:
    """Shows durable state only, and waits for it to change."""

    def __init__(self, journaled: JournaledLedger, journal: Journal) -> None:
        self._journaled = journaled
        self._journal = journal
        self._read_model = journaled.read_model

    async def get_many(self, job_ids: Sequence[str]) -> list[JobView | JobExpired | None]:
        """The jobs, in the order of `job_ids`. None stands for an unknown job, JobExpired for a removed one."""
        jobs = {job_id: job for job_id in job_ids if (job := self._read_model.get(job_id))}
        missing = [job_id for job_id in job_ids if job_id not in jobs]
        buried: dict[str, str] = {}
        if missing:
            jobs |= await self._journaled.read(self._journal.get, missing)
            if missing := [job_id for job_id in missing if job_id not in jobs]:
                buried = await self._journaled.read(self._journal.buried, missing)
        expired = {job_id: _expired(job_id, owner) for job_id, owner in buried.items()}
        return [self._journaled.view(jobs[job_id]) if job_id in jobs else expired.get(job_id) for job_id in job_ids]

    async def get(self, job_id: str) -> JobView:
        """One job. Raises JobNotFound, JobExpired."""
        (view,) = await self.get_many([job_id])
        if isinstance(view, JobExpired):
            raise view
        if view is None:
            raise JobNotFound.of(job_id)
        return view

    async def inputs(self, job_id: str) -> tuple[InputFile, ...]:
        """The files that were submitted as a job, without their sources. Empty for an unknown job."""
        job = self._read_model.get(job_id) or (await self._journaled.read(self._journal.get, [job_id])).get(job_id)
        return tuple(replace(file, source=None) for file in job.spec.files) if job else ()

    async def wait_ended(self, job_id: str, timeout_s: float, owner: str | None = None) -> JobView:
        """The job once it has ended, at the latest after `timeout_s`. Raises JobNotFound, JobExpired.

        With `owner`, another owner's job is not found, at once.
        """
        try:
            view = await self.wait_until(
                lambda job: job.ended or owner not in (None, job.spec.owner), job_id, timeout_s
            )
        except JobExpired as expired:
            raise (expired if owner in (None, expired.owner) else JobNotFound.of(job_id)) from None
        if owner not in (None, view.owner):
            raise JobNotFound.of(job_id)
        return view

    async def wait_until(self, reached: Callable[[JobRecord], bool], job_id: str, timeout_s: float) -> JobView:
        """The job once `reached` is true or it has ended, at the latest after `timeout_s`.

        The registry waits for a job only here. After every wake it reads the job again: from the read model or, once
        the job has ended and left the read model, from the journal.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        while True:
            job = self._read_model.get(job_id)
            if job is None:
                view = await self.get(job_id)
                if view.status.ended or now() >= deadline:
                    return view  # else it is durable and about to be shown
            elif reached(job) or (left := deadline - now()) <= 0:
                return self._journaled.view(job)
            else:
                await self._read_model.next_change(job_id, left)

    async def newest(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        """An owner's jobs, newest first, and the cursor of the next page (None on the last page)."""
        states = [state for state in State if status in (None, ON_THE_WIRE[state])]
        place, _, _ = (cursor or "").partition("-")  # with several registries, each has a place in the cursor
        below = int(place) if place else None
        limit = max(1, min(limit, LIST_AT_MOST))
        found = await self._journaled.read(self._journal.newest, owner, states, limit + 1, below)
        page = found[:limit]
        following = str(page[-1].seq) if len(found) > limit else None
        return [self._journaled.view(self._read_model.get(job.job_id) or job) for job in page], following


def _expired(job_id: str, owner: str) -> JobExpired:
    return JobExpired(f"Job {job_id} has expired: its results were removed after their time to live", owner)

"""Finds the job of a task."""

from __future__ import annotations

from dataclasses import dataclass

from actors.errors import JobExpired, JobNotFound
from actors.messages import JobView
from client.models import ErrorCode
from serve_app.docling_v1.errors import EXPIRED, TASK_NOT_FOUND, NotThere
from serve_app.ports import IngressRegistry


@dataclass(frozen=True, slots=True)
class Tasks:
    jobs: IngressRegistry

    async def get(self, task_id: str, owner: str) -> JobView:
        """The job of a task. Raises NotThere; a job of another owner is not told from one that never was."""
        try:
            view = await self.jobs.get(task_id)
        except JobExpired as expired:
            view = None
            if expired.owner == owner:
                raise NotThere(EXPIRED, ErrorCode.JOB_EXPIRED) from expired
        except JobNotFound:
            view = None
        if view is None or view.owner != owner:
            raise NotThere(TASK_NOT_FOUND, ErrorCode.JOB_NOT_FOUND)
        return view

"""What the API needs of the rooms below: implemented over Ray in `actors.handles`, in memory by tests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from actors.messages import JobSpec, JobView, PartialFile, QueueStats
from client.models import Content, Delivery, ExportFormat, JobStatusEnum, ParserInfo


class IngressRegistry(Protocol):
    """The registry, as clients of the API see it. Raises one of AWAY while it, or its journal, is away."""

    async def submit(self, spec: JobSpec) -> JobView:
        """Take a job; durable on return. Repeating it with the same job id or idempotency key gives the same job.

        Raises QueueFull, IdempotencyMismatch when the key was used for something else, and IdempotencyConflict while
        another upload holds it.
        """
        ...

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        """Hold an idempotency key for some seconds, or longer, while `job_id` uploads. Raises IdempotencyConflict."""
        ...

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        """Give back the key of an upload that failed."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        ...

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        """The job as soon as it differs from `version`, or after `timeout_s`."""
        ...

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        """The job as soon as it has ended, or after `timeout_s`."""
        ...

    async def cancel(self, job_id: str, owner: str) -> JobView:
        """Ask a job to end. Raises JobNotFound, and JobEnded when it has ended otherwise."""
        ...

    async def delete(self, job_id: str, owner: str) -> None:
        """Forget an ended job; any other is left alone."""
        ...

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        """A page of jobs, newest first, and the cursor of the next one."""
        ...

    async def deliveries(self, job_id: str) -> list[Delivery]:
        """What was sent about an ended job, and what will be."""
        ...

    async def redeliver(self, job_id: str) -> None:
        """Send what is not being sent again, at once."""
        ...

    async def stats(self) -> QueueStats: ...


class Dispatchers(Protocol):
    """The dispatchers. Raises FleetUnavailable when none answers."""

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        """What there is of a job's files at this moment; None when nobody works on it."""
        ...


class Parsers(Protocol):
    """The parser replicas. Raises FleetUnavailable when none is ready."""

    async def describe(self) -> ParserInfo:
        """What will parse; answered by a replica, so it may have to wait for one."""
        ...

    def running(self) -> int:
        """How many replicas live at this moment."""
        ...

    async def export(self, document: bytes, form: ExportFormat, content: Collection[Content]) -> bytes:
        """A stored DoclingDocument in another format, with `content`. Raises ParserDied when its replica did."""
        ...

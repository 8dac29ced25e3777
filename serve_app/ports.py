"""The interfaces that the API needs. `actors.handles` implements them over Ray, tests in memory."""

from __future__ import annotations

from typing import Protocol

from actors.derivations import Derivation
from actors.messages import InputFile, JobSpec, JobView, PartialFile
from actors.registry_answers import JobChanges, QueueStats
from client.models import Delivery, JobStatusEnum, ParseOptions, ParserInfo


class IngressRegistry(Protocol):
    """The registry. Every method raises one of AWAY while the registry or its journal is unavailable."""

    async def submit(self, spec: JobSpec) -> JobView:
        """Accept a job. It is durable on return. The same job id or idempotency key returns the same job.

        Raises QueueFull; IdempotencyMismatch when the key was used for a different request; IdempotencyConflict while
        another upload holds the key.
        """
        ...

    async def hold_key(self, owner: str, key: str, job_id: str) -> None:
        """Reserve an idempotency key for `job_id` for some seconds. Call again to renew. Raises IdempotencyConflict."""
        ...

    async def release_key(self, owner: str, key: str, job_id: str) -> None:
        """Release the key of a failed upload."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when the id is unknown. Raises JobExpired after its time to live."""
        ...

    async def wait(self, job_id: str, version: int, timeout_s: float) -> JobView:
        """The job as soon as its version differs from `version`, or after `timeout_s` seconds."""
        ...

    async def wait_ended(self, job_id: str, timeout_s: float, owner: str | None = None) -> JobView:
        """The job as soon as it has ended, or after `timeout_s` seconds.

        Raises JobNotFound and JobExpired. With `owner`, another owner's job is not found.
        """
        ...

    async def inputs(self, job_id: str) -> tuple[InputFile, ...]:
        """The files that were submitted as a job, without their sources. Empty when the id is unknown."""
        ...

    async def cancel(self, job_id: str, owner: str) -> JobView:
        """Request the cancellation of a job. Raises JobNotFound, and JobEnded when the job has already ended."""
        ...

    async def delete(self, job_id: str, owner: str) -> None:
        """Remove an ended job. Does nothing for any other job."""
        ...

    async def list_jobs(
        self, owner: str, status: JobStatusEnum | None, limit: int, cursor: str | None
    ) -> tuple[list[JobView], str | None]:
        """One page of jobs, newest first, and the cursor of the next page."""
        ...

    async def changes(self, owner: str, cursor: str | None, timeout_s: float) -> JobChanges:
        """What happened to the jobs of an owner after `cursor`, waiting up to `timeout_s` for the first change."""
        ...

    async def deliveries(self, job_id: str) -> list[Delivery]:
        """The deliveries of an ended job."""
        ...

    async def redeliver(self, job_id: str) -> None:
        """Send all deliveries that are not already in progress again."""
        ...

    async def stats(self) -> QueueStats: ...


class Dispatchers(Protocol):
    """The dispatchers. Every method raises FleetUnavailable when none answers."""

    async def partial_files(self, job_id: str, holder: str) -> list[PartialFile] | None:
        """The current partial results of a job's files; None when the dispatcher `holder` does not work on the job."""
        ...

    async def derive(self, wanted: Derivation) -> bytes | None:
        """Have a parser make a derivation, and store it under its target.

        Returns None, or a small blob itself when the store cannot keep it. Raises BlobMissing without its source,
        FileError when the source cannot give it, and StoreUnavailable.
        """
        ...


class Parsers(Protocol):
    """The parser replicas. Calls raise FleetUnavailable when no replica is ready."""

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        """The profile and models that parse with `options`. A replica answers, so the call may wait for one.

        Raises FileError when the parsers cannot parse with them.
        """
        ...

    def running(self) -> int:
        """The number of live replicas."""
        ...

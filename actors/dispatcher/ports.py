"""What the dispatcher needs of the others: implemented over Ray in `actors.handles`, in memory by tests.

`Document` and `ShardRef` are opaque to the dispatcher: references to bytes that stay in the object store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from actors.messages import (
    Claim,
    FileTask,
    Heartbeat,
    JobOutcome,
    JobSpec,
    JobView,
    PagePlan,
    PageSpan,
    ParsedFile,
)
from client.models import PageFailure, ParseOptions, ParserInfo

Document = Any


class ShardRef(Protocol):
    """A parsed span whose pages stay where they are until they are assembled."""

    @property
    def span(self) -> PageSpan: ...

    @property
    def lost(self) -> tuple[PageFailure, ...]:
        """Pages that are not in it."""
        ...


class ClaimRegistry(Protocol):
    """The registry, as dispatchers see it. Raises FleetUnavailable or StoreUnavailable while it cannot answer."""

    async def claim(
        self, dispatcher_id: str, limit: int, timeout_s: float, held: Sequence[tuple[str, str]]
    ) -> list[Claim]:
        """Up to `limit` jobs, waiting up to `timeout_s` for the first; what this dispatcher was given beyond the
        (job id, lease) pairs in `held` comes first."""
        ...

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        """Renew leases and report progress; the ids of jobs to stop working on."""
        ...

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        """End a job. Raises StaleLease when another dispatcher holds it by now."""
        ...

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        """End the leases of unfinished (job id, lease) pairs: cancelled if that was asked for, else delivered again."""
        ...

    async def leave(self, dispatcher_id: str) -> None:
        """Give back all that this dispatcher was given, as if it had not been, and get nothing more."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        ...

    async def expired(self, limit: int) -> list[str]:
        """Ended jobs that are past their time to live."""
        ...

    async def forget(self, job_ids: Sequence[str]) -> None:
        """Remove expired jobs, whose blobs are gone."""
        ...


class DriverRegistry(Protocol):
    """The registry, as the DriverApi sees it. Raises FleetUnavailable or StoreUnavailable while it is away."""

    async def submit(self, spec: JobSpec) -> JobView:
        """Take a job; durable on return. Raises QueueFull."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        ...

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        """The job as soon as it has ended, or after `timeout_s`."""
        ...


class Parsers(Protocol):
    """The parser replicas. Raises ParserDied when the replica at work dies, FileError when the file is at fault."""

    async def put(self, data: bytes | memoryview) -> Document:
        """Share a document's bytes with every parser."""
        ...

    async def open(self, document: Document, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        """Parse a document, unless it is better split: then its pages."""
        ...

    async def parse_pages(self, document: Document, task: FileTask, span: PageSpan) -> ShardRef: ...

    async def assemble(
        self, document: Document, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[ShardRef]
    ) -> ParsedFile: ...

    async def describe(self, options: ParseOptions) -> ParserInfo:
        """What parses a PDF under these options."""
        ...

    def running(self) -> int:
        """How many calls the live replicas can work on at this moment."""
        ...

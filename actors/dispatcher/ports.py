"""The interfaces that the dispatcher needs: `actors.handles` implements them over Ray, tests in memory.

`Document` and `ShardRef` are opaque to the dispatcher: references to bytes that stay in the object store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from actors.derivations import Derivation, Made
from actors.messages import Claim, FileTask, Heartbeat, JobOutcome, JobSpec, JobView, PagePlan, PageSpan, ParsedFile
from actors.questions import Answers, Questions
from actors.sources import Fetched, NewSink
from client.models import PageFailure, ParseOptions, ParserInfo

Document = Any


class ShardRef(Protocol):
    """A reference to a parsed span. Its pages stay in the object store until they are assembled."""

    @property
    def span(self) -> PageSpan: ...

    @property
    def lost(self) -> tuple[PageFailure, ...]:
        """Pages of the span that could not be parsed."""
        ...

    @property
    def asks(self) -> bool:
        """Whether a remote model has yet to read the pages."""
        ...

    @property
    def seconds(self) -> float:
        """How long a parser worked on the span; 0 when nobody knows."""
        ...


class PeerRegistry(Protocol):
    """Where the dispatchers of a service meet. Raises FleetUnavailable or StoreUnavailable while it is away."""

    async def meet(self, dispatcher_id: str, wanted: int) -> dict[str, int]:
        """Tell how many slots of parsers this dispatcher could use now. Returns what each dispatcher wants."""
        ...

    async def was_waiting(self, parser: str, sent_at: float) -> bool:
        """Whether another dispatcher's call to a parser that died is older than the one sent at `sent_at` (Unix
        seconds), which then only waited there."""
        ...


class ClaimRegistry(PeerRegistry, Protocol):
    """The registry as a dispatcher sees it. Raises FleetUnavailable or StoreUnavailable while it cannot answer."""

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]],
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        """Claim up to `limit` jobs, waiting up to `timeout_s` for the first.

        `held` are the (job id, lease) pairs that the dispatcher knows. If a claim's response is lost, the same jobs are
        sent again under the same lease. With `newcomers`, only jobs of owners whose jobs all wait are given.
        """
        ...

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        """Renew leases and report progress; called from another loop. Returns the ids of jobs to stop."""
        ...

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        """End a job. Raises StaleLease when its lease has run out."""
        ...

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        """End the leases of (job id, lease) pairs: a job is cancelled if that was requested, else queued again."""
        ...

    async def leave(self, dispatcher_id: str) -> None:
        """Queue all jobs of this dispatcher again, uncounted, and give it no more."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        ...

    async def expired(self, limit: int) -> list[str]:
        """Ended jobs that are past their time to live."""
        ...

    async def journal_ids(self) -> list[str]:
        """The id of each registry's journal, in the order of the registries."""
        ...

    async def forget(self, job_ids: Sequence[str]) -> None:
        """Remove expired jobs, whose blobs are gone."""
        ...


class DriverRegistry(Protocol):
    """The registry as the DriverApi sees it. Raises FleetUnavailable or StoreUnavailable while it is away."""

    async def submit(self, spec: JobSpec) -> JobView:
        """Take a job; durable on return. Raises QueueFull."""
        ...

    async def get(self, job_id: str) -> JobView | None:
        """The job, or None when there is none. Raises JobExpired when there was one."""
        ...

    async def wait_ended(self, job_id: str, timeout_s: float) -> JobView:
        """The job once it has ended, or as it is after `timeout_s`."""
        ...


class Parsers(Protocol):
    """The parser replicas, and the models that they ask.

    Raises ParserDied when the replica of a call dies, FileError when the file is at fault.
    """

    async def put(self, data: bytes | memoryview) -> Document:
        """Share a document's bytes with every parser."""
        ...

    async def open(self, document: Document, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        """Parse a document; or return its pages, when there are more than `split_above`."""
        ...

    async def parse_pages(self, document: Document, task: FileTask, span: PageSpan) -> ShardRef: ...

    async def read(self, shard: ShardRef, task: FileTask) -> ShardRef:
        """Have a remote model read the pages of a shard that asks. Raises ModelUnavailable when the model is down,
        FleetUnavailable when nobody can ask it now."""
        ...

    async def assemble(
        self, document: Document, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[ShardRef]
    ) -> ParsedFile: ...

    async def ask(self, task: FileTask, questions: Questions) -> Answers:
        """Have a remote model answer. Raises what `read` raises."""
        ...

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        """Put the answers about a file's pictures into its result."""
        ...

    async def derive(self, source: Document, wanted: Derivation) -> Made:
        """Make the blobs of a derivation from its source."""
        ...

    async def describe(self, options: ParseOptions) -> ParserInfo:
        """The profile and versions that parse a PDF under these options."""
        ...

    def running(self) -> int:
        """How many calls the live replicas can work on now."""
        ...


class SourceFetcher(Protocol):
    """Fetches files from URLs."""

    async def fetch(self, url: str, headers: Mapping[str, str], new_sink: NewSink) -> Fetched:
        """Write the file to a sink. Raises FileError, whose message names neither the URL nor a header."""
        ...

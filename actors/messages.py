"""The small frozen values that pass between the ingress and the rooms.

They pickle cheaply and know neither Ray nor docling. Their methods only derive values from their own
fields. Times are Unix seconds, sizes are bytes, pages are numbered from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actors.documents import Attachment
from actors.questions import Answers, Questions
from actors.sources import Source
from client.confidence import FileConfidence, Grade, worst
from client.models import (
    DEFAULT_CONTENT,
    CallbackContent,
    Content,
    ErrorCode,
    FileWarning,
    JobStatusEnum,
    JobStatusResponse,
    PageFailure,
    ParseOptions,
    ParserInfo,
    Progress,
)

#: File names in the status of a job. A job may have thousands of files.
NAMED_FILES = 20

#: A callback sends one message for each node or chunk and one for the end; a webhook sends one signed event.
DeliveryKind = Literal["callback", "webhook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a file or a job has no result: `code` for programs, `message` for people."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """An uploaded file, durable in the blob store under `blob`.

    `filename` is the client's name for it: a label, never a path. `rejected` is set when the ingress refused the file,
    which then only gets its failed entry in the results; `blob` is empty. Without `trust_name`, the content decides
    what kind of file it is when the name says something else.

    A `remote` file is not uploaded: the dispatcher fetches it from `source`, and only then are its name, size and hash
    known. `source` is None once the file is fetched.
    """

    filename: str
    blob: str
    size: int
    sha256: str
    rejected: Failure | None = None
    trust_name: bool = True
    remote: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """Everything a client asked for. The ingress makes it; nothing changes it afterwards.

    `options` are complete: the request's over the server's defaults. `owner` names the API key ("" when the
    server is open). `fingerprint` identifies the payload for `idempotency_key`. `traceparent` is the W3C trace
    context of the request, or "". `reply` is what a translated API needs to answer in its own terms; only that API
    reads it.
    """

    job_id: str
    files: tuple[InputFile, ...]
    options: ParseOptions
    submitted_at: float
    metadata: dict[str, Any] = field(default_factory=dict)
    task_id: str | None = None
    callback_url: str | None = None
    callback_content: CallbackContent = "nodes"
    webhook_url: str | None = None
    owner: str = ""
    idempotency_key: str | None = None
    fingerprint: str = ""
    request_id: str = ""
    traceparent: str = ""
    reply: dict[str, Any] = field(default_factory=dict)

    @property
    def destinations(self) -> dict[DeliveryKind, str]:
        """The URLs to notify when the job ends, by kind."""
        urls: dict[DeliveryKind, str | None] = {"callback": self.callback_url, "webhook": self.webhook_url}
        return {kind: url for kind, url in urls.items() if url}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """How one file ended. Blob keys: `response` of its ParseResponse, `document` of its DoclingDocument, `input` of the
    file itself, which may be removed before its results.
    """

    filename: str
    response: str
    document: str | None
    success: bool
    num_nodes: int
    pages: int
    processing_time_ms: float
    input: str = ""
    grade: Grade = "unspecified"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """How a job ended: with an outcome for each file, or with a `failure` of the job as a whole."""

    files: tuple[FileOutcome, ...] = ()
    failure: Failure | None = None
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job given to a dispatcher. `lease` is the fencing token that heartbeats and `finish` must carry."""

    lease: str
    spec: JobSpec
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A dispatcher still works on a job, and is this far. The files at `fetched` no longer need their sources."""

    job_id: str
    lease: str
    progress: Progress
    fetched: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as readers see it. `version` grows with every visible change. Exports of its documents hold `content`.
    `reply` is that of its JobSpec. `filenames` are the names of the first NAMED_FILES files. `dispatcher` holds the
    job. `seq` orders the jobs of one registry by their submits.
    """

    job_id: str
    owner: str
    status: JobStatusEnum
    version: int
    submitted_at: float
    started_at: float | None
    completed_at: float | None
    attempts: int
    progress: Progress
    metadata: dict[str, Any]
    failure: Failure | None
    queue_position: int | None
    files: tuple[FileOutcome, ...]
    content: tuple[Content, ...] = DEFAULT_CONTENT
    reply: dict[str, Any] = field(default_factory=dict)
    filenames: tuple[str, ...] = ()
    dispatcher: str | None = None
    seq: int = 0

    def as_status(self, links: dict[str, str] | None = None) -> JobStatusResponse:
        """The job as clients see it. `links` are the paths of its routes, over HTTP."""
        return JobStatusResponse(
            job_id=self.job_id,
            status=self.status,
            submitted_at=self.submitted_at,
            started_at=self.started_at,
            completed_at=self.completed_at,
            error=self.failure.message if self.failure else None,
            reason=self.failure.code if self.failure else None,
            progress=self.progress,
            queue_position=self.queue_position,
            attempts=self.attempts,
            worst_grade=worst(file.grade for file in self.files),
            metadata=self.metadata,
            filenames=list(self.filenames),
            links=links or {},
        )

    def totals(self) -> dict[str, int | float]:
        """The totals in a BatchParseResponse. The time runs from the claim to the end: the files' own times overlap."""
        assert self.started_at is not None  # a completed job was claimed
        assert self.completed_at is not None
        successful = sum(file.success for file in self.files)
        return {
            "total_files": len(self.files),
            "successful": successful,
            "failed": len(self.files) - successful,
            "total_nodes": sum(file.num_nodes for file in self.files),
            "total_processing_time_ms": (self.completed_at - self.started_at) * 1000,
        }


@dataclass(frozen=True, slots=True, order=True)
class PageSpan:
    """Consecutive pages, both ends inclusive."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask:
    """One file of a job, for a parser. Node ids follow from `job_id` and `index`, so that a retry repeats them.

    The parser stores the result in the folder `results` of the blob store, or returns it when that is "". The work on
    the file began at `started_at`. The parser ends itself when a call with this task takes longer than `time_limit_s`.
    A result of more than `max_result_bytes` is an error. While a parser works on a task that goes `alone`, it gets no
    other call: the file may break it.
    """

    job_id: str
    index: int
    filename: str
    size: int
    options: ParseOptions
    metadata: dict[str, Any]
    trust_name: bool = True
    request_id: str = ""
    traceparent: str = ""
    time_limit_s: float = 60.0
    max_result_bytes: int = 1 << 30
    owner: str = ""
    alone: bool = False
    results: str = ""
    started_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlan:
    """A parser's answer for a document with too many pages to parse in one call: the pages that were asked for.

    `apart` says whether they may be parsed in separate calls. If not, another call of `open` parses them all.
    `span_pages` is how many pages a call takes, `calls_at_once` how many calls run side by side at most, and
    `pages_at_once` how many pages are under way, with a parser or a remote model; None leaves each to the dispatcher.
    """

    pages: PageSpan
    apart: bool = True
    span_pages: int | None = None
    calls_at_once: int | None = None
    pages_at_once: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFile:
    """A file of a running job: its outcome, or the `nodes` of the pages done so far (a JSON array in UTF-8)."""

    filename: str
    outcome: FileOutcome | None = None
    nodes: bytes = b"[]"
    num_nodes: int = 0
    pages_done: int = 0
    pages_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The parsed pages of a span: docling's page objects, pickled into one array, without the `lost` pages.

    `profile` parsed them, in `seconds`. With `questions`, a remote model has yet to read the pages, and its `answers`
    replace them.
    """

    span: PageSpan
    payload: NDArray[np.uint8]
    lost: tuple[PageFailure, ...] = ()
    profile: str = ""
    seconds: float = 0.0
    questions: Questions | None = None
    answers: Answers = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A finished document: `nodes` is a JSON array, `document` the DoclingDocument's JSON, both UTF-8.

    `pages` counts the pages of the file, or of the requested range, including `lost` ones; 0 for a format without
    pages. `parser` also counts the document's words. `attachments` are the files inside it that are to be parsed as
    further files. `cached` results were taken from an earlier job. `total_pages` is how many pages the whole file has.
    The parser of a `stored` file has put its nodes and its document into the blob store, and they are empty here.

    With `questions`, a remote model has yet to describe pictures. The document then holds their pixels.
    """

    nodes: bytes
    num_nodes: int
    document: bytes
    pages: int
    parser: ParserInfo
    lost: tuple[PageFailure, ...] = ()
    warnings: tuple[FileWarning, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    confidence: FileConfidence = field(default_factory=FileConfidence)
    cached: bool = False
    stored: bool = False
    total_pages: int = 0
    questions: Questions | None = None

    @property
    def size(self) -> int:
        """Bytes of the nodes and the document."""
        return len(self.nodes) + len(self.document)

    @property
    def words_lost(self) -> int:
        """How many words were read and are not in the document."""
        return (self.parser.words_read or 0) - (self.parser.words_kept or 0)

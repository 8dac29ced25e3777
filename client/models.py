"""The wire contract: every JSON body that crosses HTTP, as frozen pydantic models.

Times are Unix seconds (float). Sizes are bytes. Page numbers start at 1. Additions are optional fields;
the meaning of a field never changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from client.codes import ErrorCode as ErrorCode
from client.codes import WarningCode as WarningCode
from client.confidence import FileConfidence as FileConfidence
from client.confidence import Grade as Grade
from client.options import DEFAULT_CONTENT as DEFAULT_CONTENT
from client.options import CallbackContent as CallbackContent
from client.options import ChunkFormat as ChunkFormat
from client.options import ChunkOptions as ChunkOptions
from client.options import Content as Content
from client.options import ImageMode as ImageMode
from client.options import ParseOptions as ParseOptions
from client.options import Profile as Profile


class JobStatusEnum(StrEnum):
    """The state of a job. Existing clients loop until one of the last two, so there is never a fifth value."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether the job will never change again."""
        return self in (JobStatusEnum.COMPLETED, JobStatusEnum.FAILED)


class ExportFormat(StrEnum):
    """The formats of `GET /jobs/{id}/results?format=`."""

    NODES = "nodes"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"
    DOCTAGS = "doctags"
    DOCLANG = "doclang"
    LATEX = "latex"
    VTT = "vtt"
    YAML = "yaml"

    @property
    def suffix(self) -> str:
        """That of a file in this format, without the dot."""
        return _SUFFIXES.get(self, self.value)


_SUFFIXES = {
    ExportFormat.NODES: "nodes.json",
    ExportFormat.MARKDOWN: "md",
    ExportFormat.TEXT: "txt",
    ExportFormat.DOCLANG: "dclg",
    ExportFormat.LATEX: "tex",
}


#: A code as received. A newer server may send codes that this client does not know.
Code = Annotated[ErrorCode | str, Field(union_mode="left_to_right")]


class Wire(BaseModel):
    """Base of the wire models: frozen, and ignoring fields that a newer server adds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class UrlSource(Wire):
    """A file that the server fetches, instead of receiving it; an entry of the form field `sources`.

    `headers` are sent to the URL's own host only. They are never logged, and are erased once the file is fetched.
    Without a `filename` the URL's server names the file, or else its path, and the bytes tell its kind.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    url: str
    headers: dict[str, SecretStr] = {}
    filename: str | None = None


class JobSource(Wire):
    """Files of one of your earlier jobs, to be parsed again; an entry of the form field `sources`.

    `file` counts from 0, attachments that were parsed included. Without it, these are all files that were submitted.
    The server copies them, so the earlier job may be deleted afterwards.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    job_id: str = Field(max_length=100)
    file: int | None = Field(default=None, ge=0, le=2**31)


class PageFailure(Wire):
    """A page that is missing from the result, and the reason."""

    page_number: int
    reason: str


class FileWarning(Wire):
    """Something to know about a file that was parsed: `code` is for programs, `message` for people.

    `page_number` is the page that it is about; null when it is about the whole file.
    """

    code: Annotated[WarningCode | str, Field(union_mode="left_to_right")]
    message: str
    page_number: int | None = None


class ParserInfo(Wire):
    """What parsed a document: the profile that ran, docling's version, and the models by task.

    `words_read` counts the words that were read, from a text layer or by OCR, and `words_kept` those of them that are
    in the document. `words_in_figures` counts those that stand inside figures, and in formulas that no model has read:
    nodes and exports leave them out, unless `content` has the figures. All are null for a format whose words are not
    counted, and where no document is described.
    `encoding` is the one that a text file was read in, by Python's name.
    `device` is where the server's models run, `cpu` or `cuda`. It is null for a profile without models, and in results.
    """

    profile: str
    docling: str
    models: dict[str, str] = {}
    words_read: int | None = None
    words_kept: int | None = None
    words_in_figures: int | None = None
    encoding: str | None = None
    device: str | None = None


class ParseResponse(Wire):
    """One file's result. A document with lost pages is a success whose `error` names them.

    `warnings` say what else may be missing or wrong, and `confidence` how sure the models were. `cached`: the same
    caller had the same file parsed before, and this is the result of that time.
    """

    filename: str
    success: bool
    nodes: list[dict[str, Any]] = []
    error: str | None = None
    error_code: Code | None = None
    num_nodes: int = 0
    processing_time_ms: float = 0.0
    pages_failed: list[PageFailure] = []
    warnings: list[FileWarning] = []
    parser: ParserInfo | None = None
    confidence: FileConfidence | None = None
    cached: bool = False


class BatchParseResponse(Wire):
    """The results of a job's files, in the order of the upload."""

    results: list[ParseResponse]
    total_files: int
    successful: int
    failed: int
    total_nodes: int
    total_processing_time_ms: float


class JobSubmitResponse(Wire):
    job_id: str
    status: JobStatusEnum
    message: str


class Progress(Wire):
    """The progress of a job. `pages_total` grows as files are opened; a file without pages counts as one page.

    `files_fetched` counts the files from `sources` that are fetched or failed.
    `words_lost` counts words that were read and are missing from the finished files' documents; `warnings` in their
    results name the pages.
    """

    pages_total: int = 0
    pages_done: int = 0
    pages_failed: int = 0
    files_total: int = 0
    files_done: int = 0
    files_fetched: int = 0
    words_lost: int = 0


class JobStatusResponse(Wire):
    """A job. `filenames` are the names of its first 20 files.

    `worst_grade` is the worst `low_grade` of its finished files; null when the models scored none.
    """

    job_id: str
    status: JobStatusEnum
    submitted_at: float
    started_at: float | None = None
    completed_at: float | None = None
    error: str | None = None
    reason: Code | None = None
    progress: Progress = Progress()
    queue_position: int | None = None
    attempts: int = 0
    worst_grade: Grade | None = None
    metadata: dict[str, Any] = {}
    filenames: list[str] = []
    links: dict[str, str] = {}


class JobListResponse(Wire):
    """`GET /jobs`, newest first. `next_cursor` requests the next page; it is null on the last page."""

    jobs: list[JobStatusResponse]
    next_cursor: str | None = None


class DeliveryState(StrEnum):
    """The state of the notification to one address. All states but `pending` are final, unless it is sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    STOPPED = "stopped"  # the receiver answered 410


class Delivery(Wire):
    """The notification of one address about an ended job.

    `messages_sent` counts acknowledged messages. `failed_attempts` counts the failures since the last one, and
    `last_error` is the newest attempt's. `next_attempt_at` is null while messages are being sent, and after the last
    attempt.
    """

    kind: Literal["callback", "webhook"]
    url: str
    state: DeliveryState
    messages_sent: int
    failed_attempts: int
    next_attempt_at: float | None = None
    last_status: int | None = None
    last_error: str | None = None


class DeliveryListResponse(Wire):
    """`GET /jobs/{id}/deliveries`. Empty until the job has ended, and for a job without a callback or webhook."""

    job_id: str
    deliveries: list[Delivery]


class PartialFile(Wire):
    """One file of a running job. A `finished` file is as in the results; any other has its pages parsed so far."""

    filename: str
    finished: bool
    pages_done: int
    pages_total: int
    success: bool | None = None
    nodes: list[dict[str, Any]] = []
    num_nodes: int = 0
    error: str | None = None
    error_code: Code | None = None


class PartialResults(Wire):
    """The results so far. `files` is empty while the job is queued."""

    progress: Progress
    files: list[PartialFile]


class JobResultResponse(Wire):
    """`results` is set once the job has completed. `partial` is set before that, if it was requested."""

    job_id: str
    status: JobStatusEnum
    results: BatchParseResponse | None = None
    error: str | None = None
    partial: PartialResults | None = None


class HealthResponse(Wire):
    """`GET /health`. `config` echoes the settings that clients of the single-process server read.

    A healthy server says `ok` instead of `healthy` if its HEALTH_STATUS says so.
    """

    status: Literal["healthy", "ok", "initializing"]
    version: str
    config: dict[str, Any]
    parser: ParserInfo | None = None
    replicas: int = 0
    queued: int = 0
    running: int = 0


class ServiceInfo(Wire):
    """`GET /`."""

    name: str
    version: str
    description: str
    supported_formats: list[str]
    endpoints: dict[str, str]


class Problem(Wire):
    """An RFC 9457 problem. `detail` is for people, `code` is for programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: Code
    request_id: str | None = None

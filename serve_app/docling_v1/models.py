"""The bodies of docling-serve's answers, as far as this server fills them. docling's own models take all of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from client.models import Code, Problem

ConversionStatus = Literal["success", "partial_success", "failure"]
TaskStatus = Literal["pending", "started", "success", "failure"]
TaskType = Literal["convert", "chunk"]
Category = Literal["policy", "capacity", "timeout", "internal", "backend_failure", "inference_failure"]


class InvalidValue(BaseModel):
    """Where a request has an invalid value, and why it is one."""

    loc: list[str | int]
    msg: str
    type: str


class DoclingProblem(Problem):
    """A refused request. `detail` is a list if values of it are invalid."""

    detail: str | list[InvalidValue]  # type: ignore[assignment] # clients of docling-serve expect both


class TaskMeta(BaseModel):
    """The files of a task."""

    num_docs: int
    num_processed: int
    num_succeeded: int
    num_partially_succeeded: int = 0
    num_failed: int


class FailureInfo(BaseModel):
    """Why a task failed. `details` has this server's `code`."""

    category: Category
    message: str
    retryable: bool
    phase: Literal["execution"] = "execution"
    details: dict[str, Code] = {}


class TaskStatusResponse(BaseModel):
    """The status of a task. `task_position` is its place in the queue."""

    task_id: str
    task_type: TaskType
    task_status: TaskStatus
    task_position: int | None = None
    task_meta: TaskMeta
    error_message: str | None = None
    failure: FailureInfo | None = None


class WebsocketMessage(BaseModel):
    """A frame of `/v1/status/ws/{task_id}`."""

    message: Literal["connection", "update", "error"]
    task: TaskStatusResponse | None = None
    error: str | None = None


class TaskFailureResult(BaseModel):
    """The result of a task that failed."""

    kind: Literal["TaskFailureResult"] = "TaskFailureResult"
    failure: FailureInfo


class ErrorItem(BaseModel):
    """Why a file, or a page of it, is missing."""

    component_type: Literal["pipeline"] = "pipeline"
    module_name: Literal["docfleet"] = "docfleet"
    error_message: str
    category: Category
    page_no: int | None = None


class ExportDocumentResponse(BaseModel):
    """A document in the formats that were asked for; the others are null."""

    filename: str
    md_content: str | None = None
    json_content: dict[str, Any] | None = None
    html_content: str | None = None
    text_content: str | None = None
    doctags_content: str | None = None
    doclang_content: str | None = None


class Outcome(BaseModel):
    """How the conversion of a file ended. `processing_time` is in seconds."""

    status: ConversionStatus
    errors: list[ErrorItem] = []
    processing_time: float
    timings: dict[str, Any] = {}
    confidence: dict[str, Any] | None = None


class ConvertDocumentResponse(Outcome):
    """The result of a task with one file."""

    document: ExportDocumentResponse


class ChunkedDocument(BaseModel):
    """A chunk. `doc_items` are JSON pointers into the document.

    `metadata` has the items with their labels and boxes, and the sizes of the chunk's pages.
    """

    filename: str
    chunk_index: int
    text: str
    raw_text: str | None = None
    num_tokens: int
    headings: list[str] | None = None
    captions: list[str] | None = None
    doc_items: list[str]
    page_numbers: list[int] | None = None
    metadata: dict[str, Any] | None = None


class ExportResult(BaseModel):
    """A document beside its chunks. `content` has it only if it was asked for."""

    kind: Literal["ExportResult"] = "ExportResult"
    content: ExportDocumentResponse
    status: ConversionStatus
    errors: list[ErrorItem] = []
    timings: dict[str, Any] = {}
    confidence: dict[str, Any] | None = None


class ChunkDocumentResponse(BaseModel):
    """The result of a task of `/v1/chunk`."""

    chunks: list[ChunkedDocument]
    documents: list[ExportResult]
    processing_time: float


class OkResponse(BaseModel):
    status: Literal["ok"] = "ok"


class Versions(BaseModel):
    """`docling` is null until a parser has said it."""

    docfleet: str
    docling: str | None = None


class Capabilities(BaseModel):
    """What this server takes and gives."""

    input_suffixes: list[str]
    output_formats: list[str] = ["md", "json", "html", "text", "doctags", "doclang", "chunks"]
    chunkers: list[str] = ["hybrid", "hierarchical"]
    sources: list[str] = ["file", "http"]
    targets: list[str] = ["inbody", "zip"]

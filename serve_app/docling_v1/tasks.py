"""A job as a task of docling-serve: its status, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping

from actors.messages import JobView
from client.models import ErrorCode, JobStatusEnum
from serve_app.docling_v1.models import Category, FailureInfo, TaskMeta, TaskStatus, TaskStatusResponse
from serve_app.docling_v1.reply import Reply

_UNFINISHED: Mapping[JobStatusEnum, TaskStatus] = {
    JobStatusEnum.PENDING: "pending",
    JobStatusEnum.PROCESSING: "started",
}

#: docling-serve's words for what was at fault. Every other code says that a file cannot be read.
_CATEGORIES: Mapping[str, Category] = {
    ErrorCode.DEADLINE_EXCEEDED: "timeout",
    ErrorCode.CANCELLED: "policy",
    ErrorCode.FILE_TOO_LARGE: "policy",
    ErrorCode.TOO_MANY_PAGES: "policy",
    ErrorCode.RESULT_TOO_LARGE: "policy",
    ErrorCode.TOO_LARGE_TO_PARSE: "capacity",
    ErrorCode.UNAVAILABLE: "capacity",
    ErrorCode.INTERNAL: "internal",
    ErrorCode.POISON: "internal",
    ErrorCode.PAGES_LOST: "inference_failure",
}


def status_of(view: JobView) -> TaskStatus:
    """The status of the task. A job with lost pages, or with some failed files, is a success."""
    if view.status is JobStatusEnum.COMPLETED:
        return "success" if any(file.success for file in view.files) else "failure"
    return _UNFINISHED.get(view.status, "failure")


def task_of(view: JobView, reason: str | None = None) -> TaskStatusResponse:
    """The job as a task. `reason` says why no file of a completed job could be converted."""
    status = status_of(view)
    failure = failure_of(view, reason) if status == "failure" else None
    return TaskStatusResponse(
        task_id=view.job_id,
        task_type=Reply.to(view).task,
        task_status=status,
        task_position=view.queue_position,
        task_meta=_meta(view),
        error_message=failure.message if failure else None,
        failure=failure,
    )


def failure_of(view: JobView, reason: str | None = None) -> FailureInfo:
    """Why a job has no results."""
    code = view.failure.code if view.failure else ErrorCode.INVALID_FILE
    message = view.failure.message if view.failure else reason or "No file could be converted"
    category = category_of(code)
    retryable = category in ("timeout", "capacity")
    return FailureInfo(category=category, message=message, retryable=retryable, details={"code": code})


def category_of(code: str) -> Category:
    return _CATEGORIES.get(code, "backend_failure")


def _meta(view: JobView) -> TaskMeta:
    succeeded = sum(file.success for file in view.files)
    return TaskMeta(
        num_docs=view.progress.files_total or len(view.filenames),
        num_processed=view.progress.files_done,
        num_succeeded=succeeded,
        num_failed=len(view.files) - succeeded,
    )

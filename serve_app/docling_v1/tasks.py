"""A job as a task of docling-serve: its status, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.messages import JobView
from client.models import ErrorCode, JobStatusEnum

_UNFINISHED = {JobStatusEnum.PENDING: "pending", JobStatusEnum.PROCESSING: "started"}

#: docling-serve's words for what was at fault. Everything else is an "internal" fault.
_CATEGORIES: Mapping[str, str] = {
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


def status_of(view: JobView) -> str:
    """The status of the task. A job with lost pages, or with some failed files, is a success."""
    if view.status is JobStatusEnum.COMPLETED:
        return "success" if any(file.success for file in view.files) else "failure"
    return _UNFINISHED.get(view.status, "failure")


def task_of(view: JobView, reason: str | None = None) -> dict[str, Any]:
    """The TaskStatusResponse. `reason` says why no file of a completed job could be converted."""
    status = status_of(view)
    failure = failure_of(view, reason) if status == "failure" else None
    return {
        "task_id": view.job_id,
        "task_type": "convert",
        "task_status": status,
        "task_position": view.queue_position,
        "task_meta": _meta(view),
        "error_message": failure and failure["message"],
        "failure": failure,
    }


def failure_of(view: JobView, reason: str | None = None) -> dict[str, Any]:
    """The PublicFailureInfo of a job without results."""
    code = view.failure.code if view.failure else ErrorCode.INVALID_FILE
    message = view.failure.message if view.failure else reason or "No file could be converted"
    category = category_of(code)
    return {
        "category": category,
        "message": message,
        "retryable": category in ("timeout", "capacity"),
        "phase": "execution",
        "details": {"code": str(code)},
    }


def category_of(code: str) -> str:
    """The FailureCategory of an error code."""
    return _CATEGORIES.get(code, "backend_failure")


def _meta(view: JobView) -> dict[str, int]:
    progress, succeeded = view.progress, sum(file.success for file in view.files)
    failed = len(view.files) - succeeded
    return {
        "num_docs": progress.files_total or len(view.files),
        "num_processed": progress.files_done,
        "num_succeeded": succeeded,
        "num_partially_succeeded": 0,
        "num_failed": failed,
    }

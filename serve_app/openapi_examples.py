"""Example bodies for the OpenAPI description: one job, from submit to result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ID = "0f8e6f0e-6f0a-4c39-9a53-3d6a5b1c2d4e"
_STATUS = {
    "job_id": _ID,
    "status": "processing",
    "submitted_at": 1767225600.0,
    "started_at": 1767225600.4,
    "completed_at": None,
    "error": None,
    "reason": None,
    "progress": {
        "pages_total": 120,
        "pages_done": 48,
        "pages_failed": 0,
        "files_total": 1,
        "files_done": 0,
        "files_fetched": 0,
        "words_lost": 0,
    },
    "queue_position": None,
    "attempts": 1,
    "worst_grade": None,
    "metadata": {"case": 17},
    "filenames": ["report.pdf"],
    "links": {
        "self": f"/jobs/{_ID}",
        "events": f"/jobs/{_ID}/events",
        "results": f"/jobs/{_ID}/results",
        "deliveries": f"/jobs/{_ID}/deliveries",
        "cancel": f"/jobs/{_ID}/cancel",
    },
}
_WORDS = {"words_read": 48210, "words_kept": 48210, "words_in_figures": 12, "encoding": None, "device": None}
_SCORES = {
    "parse_score": 1.0,
    "layout_score": 0.93,
    "table_score": None,
    "ocr_score": None,
    "mean_score": 0.965,
    "low_score": 0.9335,
    "mean_grade": "excellent",
    "low_grade": "excellent",
}
_BATCH = {
    "results": [
        {
            "filename": "report.pdf",
            "success": True,
            "nodes": [{"id": "6a1f…", "text": "# Report", "metadata": {"page_number": 1, "case": 17}}],
            "error": None,
            "error_code": None,
            "num_nodes": 1,
            "processing_time_ms": 812.5,
            "pages_failed": [],
            "warnings": [],
            "parser": {"profile": "standard", "docling": "2.143.0", "models": {"ocr": "rapidocr"}, **_WORDS},
            "confidence": {**_SCORES, "pages": {"1": _SCORES}},
            "cached": False,
        }
    ],
    "total_files": 1,
    "successful": 1,
    "failed": 0,
    "total_nodes": 1,
    "total_processing_time_ms": 840.0,
}

#: Examples by model name.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "JobSubmitResponse": {
        "job_id": _ID,
        "status": "pending",
        "message": "Job submitted successfully with 1 file(s)",
    },
    "JobStatusResponse": _STATUS,
    "JobListResponse": {"jobs": [_STATUS], "next_cursor": "4711"},
    "BatchParseResponse": _BATCH,
    "JobResultResponse": {"job_id": _ID, "status": "completed", "results": _BATCH, "error": None, "partial": None},
    "DeliveryListResponse": {
        "job_id": _ID,
        "deliveries": [
            {
                "kind": "webhook",
                "url": "https://example.com/events",
                "state": "delivered",
                "messages_sent": 1,
                "failed_attempts": 0,
                "next_attempt_at": None,
                "last_status": 204,
                "last_error": None,
            }
        ],
    },
    "Problem": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"Job {_ID} not found",
        "code": "job_not_found",
        "request_id": "0b0f7c52d7f94f1a9d4c6f1f9f1f6a3e",
    },
}

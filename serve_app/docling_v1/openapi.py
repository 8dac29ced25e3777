"""The OpenAPI descriptions of docling-serve's routes."""

from __future__ import annotations

from typing import Any

from client.models import ErrorCode
from serve_app.docling_v1.models import (
    ConvertDocumentResponse,
    DoclingProblem,
    TaskFailureResult,
    TaskStatusResponse,
)
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.requests import FileSource
from serve_app.openapi import ALWAYS, GUARDED, OF_AN_UPLOAD, Responses, errors
from serve_app.results import JSON, ZIP

SUBSTITUTED = "Docfleet-Substituted"

_SUBSTITUTED = {
    SUBSTITUTED: {
        "description": "Options that this server does not have, and what it does instead",
        "schema": {"type": "string"},
    }
}
_IN_ZIP = {ZIP: {"schema": {"type": "string", "format": "binary"}}}


def _refused(*codes: ErrorCode) -> Responses:
    """As `errors`, with `detail` as docling-serve's clients read it."""
    return {status: {**response, "model": DoclingProblem} for status, response in errors(*codes).items()}


_NOT_THERE: Responses = {
    404: {"model": DoclingProblem, "description": "job_not_found, job_expired, result_not_ready"},
    **_refused(ErrorCode.INVALID_REQUEST, *GUARDED),
}
READY_RESPONSES = _refused(*ALWAYS)
GUARDED_RESPONSES = _refused(ErrorCode.INVALID_REQUEST, *GUARDED)
SUBMIT_RESPONSES: Responses = {
    200: {"model": TaskStatusResponse, "description": "The task is queued", "headers": _SUBSTITUTED},
    **_refused(*OF_AN_UPLOAD),
}
CONVERT_RESPONSES: Responses = {
    200: {
        "model": ConvertDocumentResponse | TaskFailureResult,
        "description": "The document, or a zip file of all documents",
        "headers": _SUBSTITUTED,
        "content": _IN_ZIP,
    },
    **_refused(ErrorCode.CANCELLED, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.POISON, *OF_AN_UPLOAD),
}
POLL_RESPONSES: Responses = {200: {"model": TaskStatusResponse, "description": "The status of the task"}, **_NOT_THERE}
RESULT_RESPONSES: Responses = {
    200: {
        "model": ConvertDocumentResponse | TaskFailureResult,
        "description": "The document, a zip file of all documents, or why the task failed",
        "content": _IN_ZIP,
    },
    **_NOT_THERE,
}

_OPTIONS = ConvertOptions.model_json_schema()
_TARGETS = ("inbody", "zip")

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "target_type": {"enum": _TARGETS, "default": "inbody"},
                        **_OPTIONS["properties"],
                    },
                }
            }
        },
    }
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["sources"],
                    "properties": {
                        "options": _OPTIONS,
                        "sources": {"type": "array", "minItems": 1, "items": FileSource.model_json_schema()},
                        "target": {
                            "type": "object",
                            "properties": {"kind": {"enum": _TARGETS}},
                            "required": ["kind"],
                        },
                    },
                }
            }
        },
    }
}

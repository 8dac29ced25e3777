"""The OpenAPI descriptions of docling-serve's routes."""

from __future__ import annotations

from typing import Any

from client.models import ErrorCode
from serve_app.docling_v1.chunking import ChunkingRequest
from serve_app.docling_v1.models import (
    ChunkDocumentResponse,
    ConvertDocumentResponse,
    DoclingProblem,
    TaskFailureResult,
    TaskStatusResponse,
)
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.requests import FileSource, HttpSource
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
    return errors(*codes, model=DoclingProblem)


_NOT_THERE = _refused(ErrorCode.JOB_NOT_FOUND, ErrorCode.INVALID_REQUEST, *GUARDED)
_NOT_THERE[404]["description"] = "job_not_found, job_expired, result_not_ready"  # docling-serve has one status for them
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
CHUNK_RESPONSES: Responses = {
    **CONVERT_RESPONSES,
    200: {
        "model": ChunkDocumentResponse | TaskFailureResult,
        "description": "The chunks, or a zip file of all chunks",
        "headers": _SUBSTITUTED,
        "content": _IN_ZIP,
    },
}
POLL_RESPONSES: Responses = {200: {"model": TaskStatusResponse, "description": "The status of the task"}, **_NOT_THERE}
RESULT_RESPONSES: Responses = {
    200: {
        "model": ConvertDocumentResponse | ChunkDocumentResponse | TaskFailureResult,
        "description": "The document, the chunks, a zip file of all documents, or why the task failed",
        "content": _IN_ZIP,
    },
    **_NOT_THERE,
}

_OPTIONS = ConvertOptions.model_json_schema()
_CHUNKING = ChunkingRequest.model_json_schema()
_TARGETS = ("inbody", "zip")


def _form(**properties: Any) -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    target = {"enum": _TARGETS, "default": "inbody"}
    properties = {"files": files, "target_type": target, **properties}
    return _body("multipart/form-data", {"type": "object", "required": ["files"], "properties": properties})


def _json(**properties: Any) -> dict[str, Any]:
    kinds = [FileSource.model_json_schema(), HttpSource.model_json_schema()]
    sources = {"type": "array", "minItems": 1, "items": {"oneOf": kinds}}
    target = {"type": "object", "properties": {"kind": {"enum": _TARGETS}}, "required": ["kind"]}
    properties = {"sources": sources, "target": target, **properties}
    return _body(JSON, {"type": "object", "required": ["sources"], "properties": properties})


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def _prefixed(prefix: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": each for name, each in schema["properties"].items()}


_WITH_DOCUMENT = {"include_converted_doc": {"type": "boolean", "default": False}}

CONVERT_FORM = _form(**_OPTIONS["properties"])
CONVERT_JSON = _json(options=_OPTIONS)
CHUNK_FORM = _form(**_prefixed("convert_", _OPTIONS), **_prefixed("chunking_", _CHUNKING), **_WITH_DOCUMENT)
CHUNK_JSON = _json(convert_options=_OPTIONS, chunking_options=_CHUNKING, **_WITH_DOCUMENT)

"""What OpenAPI says of the routes beyond their signatures: forms, bodies that are streamed, and every error."""

from __future__ import annotations

from itertools import groupby
from typing import Any, TypeAlias

from fastapi import FastAPI

from client.models import (
    BatchParseResponse,
    DeliveryListResponse,
    ErrorCode,
    JobResultResponse,
    JobStatusResponse,
    JobSubmitResponse,
    ParseOptions,
    ParseResponse,
    Problem,
)
from serve_app.auth import OPEN_PATHS
from serve_app.openapi_examples import EXAMPLES
from serve_app.problems import PROBLEM_JSON, STATUS
from serve_app.results import JSON, MEDIA_TYPES, ZIP

Responses: TypeAlias = dict[int | str, dict[str, Any]]

ALWAYS = (ErrorCode.UNAVAILABLE, ErrorCode.STORE_UNAVAILABLE, ErrorCode.INTERNAL)
GUARDED = (ErrorCode.UNAUTHORIZED, ErrorCode.TOO_MANY_REQUESTS, *ALWAYS)
OF_A_JOB = (ErrorCode.JOB_NOT_FOUND, ErrorCode.JOB_EXPIRED, ErrorCode.INVALID_REQUEST, *GUARDED)
OF_AN_UPLOAD = (
    ErrorCode.MALFORMED_REQUEST,
    ErrorCode.NO_FILES,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.UNKNOWN_OPTION,
    ErrorCode.INVALID_OPTION,
    ErrorCode.INVALID_METADATA,
    ErrorCode.CALLBACK_REFUSED,
    ErrorCode.IDEMPOTENCY_CONFLICT,
    ErrorCode.IDEMPOTENCY_MISMATCH,
    ErrorCode.FILE_TOO_LARGE,
    ErrorCode.QUEUE_FULL,
    *GUARDED,
)

_REQUEST_ID = {"X-Request-ID": {"description": "As it was sent, or made here", "schema": {"type": "string"}}}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds, where waiting helps", "schema": {"type": "integer"}}}
_AUTHENTICATE = {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}}
_ETAG = {"ETag": {"description": "For `If-None-Match`", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Where the job's status is", "schema": {"type": "string"}}}


_EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "For `Last-Event-ID`"},
        "event": {"enum": ["status", "end"]},
        "data": {
            "type": "string",
            "contentMediaType": JSON,
            "contentSchema": {"$ref": "#/components/schemas/JobStatusResponse"},
        },
    },
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, where the server has any"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class DescribedApi(FastAPI):
    """FastAPI, but errors are described as what they are, problem+json, and so is who may ask."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["securitySchemes"] = _SECURITY
            for name, example in EXAMPLES.items():
                document["components"]["schemas"][name]["examples"] = [example]
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    if path not in OPEN_PATHS:
                        # The last: a server without keys lets everybody in.
                        operation["security"] = [*({scheme: []} for scheme in _SECURITY), {}]
                    for status, response in operation["responses"].items():
                        _finish(int(status), response)
        return super().openapi()


def errors(*codes: ErrorCode) -> Responses:
    """An OpenAPI response for each status that `codes` have, naming them."""
    by_status = groupby(sorted(codes, key=STATUS.__getitem__), key=STATUS.__getitem__)
    return {int(status): {"model": Problem, "description": ", ".join(group)} for status, group in by_status}


INDEX_RESPONSES = errors(*GUARDED)
LIST_RESPONSES = errors(ErrorCode.INVALID_REQUEST, *GUARDED)
EVENT_RESPONSES: Responses = {
    200: {
        "content": {"text/event-stream": {"schema": _EVENT}},
        "description": "`status` events and an `end`",
    },
    204: {"description": "The client has seen the end"},
    **errors(*OF_A_JOB),
}
CANCEL_RESPONSES: Responses = {
    202: {"model": JobStatusResponse, "description": "The job will end"},
    **errors(ErrorCode.JOB_ENDED, *OF_A_JOB),
}
REDELIVER_RESPONSES: Responses = {
    202: {"model": DeliveryListResponse, "description": "What is sent again"},
    **errors(*OF_A_JOB),
}
SUBMIT_RESPONSES: Responses = {
    202: {"model": JobSubmitResponse, "description": "The files are stored", "headers": _LOCATION | _RETRY_AFTER},
    **errors(ErrorCode.UNSUPPORTED_FORMAT, *OF_AN_UPLOAD),
}
PARSE_RESPONSES: Responses = {
    200: {"model": BatchParseResponse, "description": "Every file is done"},
    202: {"model": JobStatusResponse, "description": "The job goes on", "headers": _LOCATION | _RETRY_AFTER},
    **errors(ErrorCode.CANCELLED, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.POISON, *OF_AN_UPLOAD),
}
RESULT_RESPONSES: Responses = {
    200: {
        "model": JobResultResponse | ParseResponse | dict[str, Any],
        "description": "All nodes as a JobResultResponse, one file's nodes as a ParseResponse, or a document",
        "headers": _ETAG,
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}
        | {
            media_type.partition(";")[0]: {"schema": {"type": "string"}}
            for media_type in MEDIA_TYPES.values()
            if media_type != JSON
        },
    },
    304: {"description": "The client has these results already"},
    **errors(ErrorCode.NOT_FOUND, ErrorCode.RESULT_NOT_READY, ErrorCode.EXPORT_UNAVAILABLE, *OF_A_JOB),
}

#: Uploads are read from the stream, so FastAPI does not see their form.
UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "Each file as a part of its own",
                        },
                        "options": {
                            "type": "string",
                            "contentMediaType": JSON,
                            "contentSchema": ParseOptions.model_json_schema(),
                            "description": "How to parse: a JSON object of options",
                        },
                        "metadata": {
                            "type": "string",
                            "contentMediaType": JSON,
                            "contentSchema": {"type": "object"},
                            "description": "A JSON object whose keys every node's metadata carries",
                        },
                        "task_id": {"type": "string", "description": "What callbacks call this job"},
                        "callback_url": {
                            "type": "string",
                            "format": "uri",
                            "description": "Told of every node, then of the end",
                        },
                        "webhook_url": {"type": "string", "format": "uri", "description": "Told of the end, signed"},
                    },
                }
            }
        },
    }
}


def _finish(status: int, response: dict[str, Any]) -> None:
    response["headers"] = _REQUEST_ID | response.get("headers", {})
    if status < 400:
        return
    _, described = response["content"].popitem()  # under the media type of the route's good answer
    response["content"] = {PROBLEM_JSON: described}
    if status in (409, 429, 503):
        response["headers"] |= _RETRY_AFTER
    if status == 401:
        response["headers"] |= _AUTHENTICATE

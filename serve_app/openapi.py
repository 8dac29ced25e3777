"""The parts of the OpenAPI description that FastAPI cannot derive: forms, streamed bodies and errors."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Literal, TypeAlias, get_args

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from client.chunks import ChunkedFile
from client.models import (
    BatchParseResponse,
    CallbackContent,
    DeliveryListResponse,
    ErrorCode,
    FileConfidence,
    JobResultResponse,
    JobSource,
    JobStatusResponse,
    JobSubmitResponse,
    ParseOptions,
    ParseResponse,
    Problem,
    UrlSource,
)
from serve_app.auth import OPEN_PATHS
from serve_app.chunk_results import JSON_LINES
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
    ErrorCode.UNKNOWN_TOKENIZER,
    ErrorCode.INVALID_METADATA,
    ErrorCode.CALLBACK_REFUSED,
    ErrorCode.INVALID_SOURCE,
    ErrorCode.SOURCE_REFUSED,
    ErrorCode.JOB_NOT_FOUND,
    ErrorCode.JOB_EXPIRED,
    ErrorCode.NOT_FOUND,
    ErrorCode.INPUT_GONE,
    ErrorCode.IDEMPOTENCY_CONFLICT,
    ErrorCode.IDEMPOTENCY_MISMATCH,
    ErrorCode.FILE_TOO_LARGE,
    ErrorCode.UNSUPPORTED_ENCODING,
    ErrorCode.QUEUE_FULL,
    *GUARDED,
)

#: Where the description has a model's schema.
_SCHEMA = "#/components/schemas/{model}"

_REQUEST_ID = {
    "X-Request-ID": {
        "description": "The id of the request, or a new one if the request had none",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds after which to repeat the request", "schema": {"type": "integer"}}
}
_AUTHENTICATE = {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}}
_ETAG = {"ETag": {"description": "Value for `If-None-Match`", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Path of the job's status", "schema": {"type": "string"}}}


_BINARY = {"type": "string", "format": "binary"}
_EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Value for `Last-Event-ID`"},
        "event": {"enum": ["status", "end"]},
        "data": {
            "type": "string",
            "contentMediaType": JSON,
            "contentSchema": {"$ref": "#/components/schemas/JobStatusResponse"},
        },
    },
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, if the server requires one"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class DescribedApi(FastAPI):
    """FastAPI with a complete description: errors as problem+json, security schemes and examples."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.error_models: list[type[BaseModel]] = [Problem]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            components = document["components"]
            components["securitySchemes"] = _SECURITY
            components["schemas"] = dict(sorted((components["schemas"] | self._error_schemas()).items()))
            for name, example in EXAMPLES.items():
                components["schemas"][name]["examples"] = [example]
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    if path not in OPEN_PATHS:
                        # The empty entry: a server without keys needs none.
                        operation["security"] = [*({scheme: []} for scheme in _SECURITY), {}]
                    for status, response in operation["responses"].items():
                        _finish(int(status), response)
        return super().openapi()

    def _error_schemas(self) -> dict[str, Any]:
        """The schemas that `errors` refers to."""
        mode: Literal["serialization"] = "serialization"
        _, described = models_json_schema([(model, mode) for model in self.error_models], ref_template=_SCHEMA)
        return dict(described["$defs"])


def errors(*codes: ErrorCode, model: type[BaseModel] = Problem) -> Responses:
    """One OpenAPI response for each HTTP status of `codes`; its description lists the codes.

    It refers to `model` by name: FastAPI would build a validator of a model for each response of each route, which is
    half of what making the API costs.
    """
    by_status = groupby(sorted(codes, key=STATUS.__getitem__), key=STATUS.__getitem__)
    content = {PROBLEM_JSON: {"schema": {"$ref": _SCHEMA.format(model=model.__name__)}}}
    return {int(status): {"description": ", ".join(group), "content": content} for status, group in by_status}


INDEX_RESPONSES = errors(*GUARDED)
LIST_RESPONSES = errors(ErrorCode.INVALID_REQUEST, *GUARDED)
EVENT_RESPONSES: Responses = {
    200: {
        "content": {"text/event-stream": {"schema": _EVENT}},
        "description": "`status` events, then one `end` event",
    },
    204: {"description": "The client has already received the `end` event"},
    **errors(*OF_A_JOB),
}
CHANGES_RESPONSES: Responses = {
    200: {
        "content": {"text/event-stream": {"schema": _EVENT}},
        "description": "A `job` event per change, `removed` with the `job_id` of a deleted job, and `sync` where the "
        "list of jobs has to be read again",
    },
    **errors(ErrorCode.INVALID_REQUEST, *GUARDED),
}
CANCEL_RESPONSES: Responses = {
    202: {"model": JobStatusResponse, "description": "The job is being cancelled"},
    **errors(ErrorCode.JOB_ENDED, *OF_A_JOB),
}
REDELIVER_RESPONSES: Responses = {
    202: {"model": DeliveryListResponse, "description": "The deliveries that are sent again"},
    **errors(*OF_A_JOB),
}
SUBMIT_RESPONSES: Responses = {
    202: {
        "model": JobSubmitResponse,
        "description": "The files are stored, or still to be fetched, and the job is queued",
        "headers": _LOCATION | _RETRY_AFTER,
    },
    **errors(ErrorCode.UNSUPPORTED_FORMAT, *OF_AN_UPLOAD),
}
PARSE_RESPONSES: Responses = {
    200: {"model": BatchParseResponse, "description": "All files are parsed"},
    202: {
        "model": JobStatusResponse,
        "description": "The job continues; poll its status",
        "headers": _LOCATION | _RETRY_AFTER,
    },
    **errors(ErrorCode.CANCELLED, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.POISON, *OF_AN_UPLOAD),
}
RESULT_RESPONSES: Responses = {
    200: {
        "model": JobResultResponse | ParseResponse | ChunkedFile | FileConfidence | dict[str, Any],
        "description": "A JobResultResponse for all files, a ParseResponse for one file, an exported document, or "
        "chunks: a ChunkedFile, or a Chunk on each line; or a FileConfidence",
        "headers": _ETAG,
        "content": {ZIP: {"schema": _BINARY}, JSON_LINES: {"schema": {"type": "string"}}}
        | {
            media_type.partition(";")[0]: {"schema": {"type": "string"}}
            for media_type in MEDIA_TYPES.values()
            if media_type != JSON
        },
    },
    304: {"description": "The results have not changed"},
    **errors(
        ErrorCode.NOT_FOUND,
        ErrorCode.RESULT_NOT_READY,
        ErrorCode.EXPORT_UNAVAILABLE,
        ErrorCode.UNKNOWN_TOKENIZER,
        ErrorCode.PICTURES_NOT_KEPT,
        ErrorCode.NO_PAGE_PICTURE,
        ErrorCode.FILE_ENCRYPTED,
        ErrorCode.INPUT_GONE,
        *OF_A_JOB,
    ),
}

PICTURE_RESPONSES: Responses = {
    200: {
        "description": "The picture",
        "headers": _ETAG,
        "content": {media_type: {"schema": _BINARY} for media_type in ("image/png", "image/webp")},
    },
    304: {"description": "The picture never changes"},
    **errors(
        ErrorCode.NOT_FOUND,
        ErrorCode.PAGE_NOT_FOUND,
        ErrorCode.NO_PAGE_PICTURE,
        ErrorCode.FILE_ENCRYPTED,
        ErrorCode.INPUT_GONE,
        ErrorCode.BOX_OUTSIDE_PAGE,
        ErrorCode.PICTURE_TOO_LARGE,
        *OF_A_JOB,
    ),
}
_TEXT_FIELDS = {
    "task_id": {"type": "string", "description": "The id of this job in callbacks; default: the job id"},
    "callback_url": {
        "type": "string",
        "format": "uri",
        "description": "Receives every node or chunk, then the end of the job",
    },
    "callback_content": {
        "type": "string",
        "enum": list(get_args(CallbackContent)),
        "default": "nodes",
        "description": "What the callback brings: nodes, or chunks by the option `chunks`",
    },
    "webhook_url": {"type": "string", "format": "uri", "description": "Receives the end of the job, signed"},
}
_SOURCES = {
    "type": "array",
    "items": {"anyOf": [UrlSource.model_json_schema(), JobSource.model_json_schema()]},
    "description": "Files that the server fetches from their URLs, or has from earlier jobs",
}
_OPTIONS = ParseOptions.model_json_schema()
_METADATA = "A JSON object that is merged into the metadata of every node"


def _as_text(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A form field that holds JSON."""
    return {"type": "string", "contentMediaType": JSON, "contentSchema": schema, "description": description}


ARTIFACT_RESPONSES: Responses = {
    200: {
        "description": "The picture",
        "headers": _ETAG,
        "content": {f"image/{form}": {"schema": _BINARY} for form in ("png", "jpeg", "webp", "gif")},
    },
    304: {"description": "The picture never changes"},
    **errors(
        ErrorCode.NOT_FOUND,
        ErrorCode.RESULT_NOT_READY,
        ErrorCode.EXPORT_UNAVAILABLE,
        ErrorCode.NO_PAGE_PICTURE,
        ErrorCode.PAGE_NOT_FOUND,
        ErrorCode.FILE_ENCRYPTED,
        ErrorCode.INPUT_GONE,
        *OF_A_JOB,
    ),
}

#: The routes read uploads from the stream, so FastAPI does not know the form.
UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "anyOf": [{"required": ["files"]}, {"required": ["sources"]}],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The files, one part per file",
                        },
                        "sources": _as_text(_SOURCES, "Files that the server fetches or has, as a JSON array"),
                        "options": _as_text(_OPTIONS, "Parse options, as a JSON object"),
                        "metadata": _as_text({"type": "object"}, _METADATA),
                        **_TEXT_FIELDS,
                    },
                }
            },
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["sources"],
                    "additionalProperties": False,
                    "properties": {
                        "sources": {**_SOURCES, "minItems": 1},
                        "options": _OPTIONS,
                        "metadata": {"type": "object", "description": _METADATA},
                        **_TEXT_FIELDS,
                    },
                }
            },
        },
    }
}


def _finish(status: int, response: dict[str, Any]) -> None:
    response["headers"] = _REQUEST_ID | response.get("headers", {})
    if status < 400:
        return
    if status in (409, 429, 503):
        response["headers"] |= _RETRY_AFTER
    if status == 401:
        response["headers"] |= _AUTHENTICATE

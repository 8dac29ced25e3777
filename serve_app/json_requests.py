"""Reads a request in JSON: the fields of the form, with sources in place of files."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from client.models import ErrorCode
from serve_app.invalid_options import refuse_outside_options
from serve_app.problems import Refused
from serve_app.uploads import MAX_SOURCES_BYTES, Sources, Upload, UploadRules, bounded, check_encoding

_OBJECTS = ("options", "metadata")
_FIELDS = ("sources", *_OBJECTS, "task_id", "callback_url", "callback_content", "webhook_url")


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def receive_json(request: Request, rules: UploadRules, sources: Sources) -> Upload:
    """The sources and fields of a JSON object. Raises Refused."""
    check_encoding(request.headers.get("content-encoding", ""))
    limit = min(MAX_SOURCES_BYTES, rules.request_bytes)
    body = _object(b"".join([chunk async for chunk in bounded(request.stream(), limit)]))
    if not body.get("sources"):
        raise Refused(ErrorCode.NO_FILES, "The request has no files. Name them in a list 'sources'")
    for name in body:
        refuse_outside_options(name)
    if unknown := set(body).difference(_FIELDS):
        raise _invalid(f"Unknown field '{min(unknown)}'; the fields are {', '.join(_FIELDS)}")
    fields = {name: _text(name, value) for name, value in body.items() if name != "sources" and value is not None}
    files = await sources.read(json.dumps(body["sources"]), 0)
    return Upload(files=tuple(files), fields=fields)


def _text(name: str, value: object) -> str:
    """A field as the form has it."""
    if name in _OBJECTS:
        return json.dumps(value)
    if not isinstance(value, str):
        raise _invalid(f"{name} must be a string")
    return value


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
        json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        reason = "A string in the body has half a character, such as \\ud800 alone. Send it in UTF-8"
        raise Refused(ErrorCode.MALFORMED_REQUEST, reason) from error
    except (ValueError, RecursionError) as error:
        raise Refused(ErrorCode.MALFORMED_REQUEST, "The body is not JSON, although its Content-Type says so") from error
    if not isinstance(read, dict):
        raise _invalid("The body must be a JSON object")
    return read


def _invalid(reason: str) -> Refused:
    return Refused(ErrorCode.INVALID_REQUEST, reason)

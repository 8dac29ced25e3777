"""A request's fields, checked, and with its files made into a JobSpec."""

from __future__ import annotations

import hashlib
import time
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from actors.messages import JobSpec
from client.models import ErrorCode, ParseOptions
from serve_app.problems import Refused
from serve_app.uploads import Upload

MAX_TASK_ID = 255
MAX_URL = 2_048
MAX_IDEMPOTENCY_KEY = 255

#: Whose jobs these are when the server has no API keys: everybody's.
NOBODY = ""


def make_spec(
    job_id: str, upload: Upload, defaults: ParseOptions, *, request_id: str, idempotency_key: str | None = None
) -> JobSpec:
    """What the client asked for, complete. Raises Refused for a field that does not hold what it should."""
    fields = upload.fields
    _check_length("Idempotency-Key", idempotency_key, MAX_IDEMPOTENCY_KEY)
    _check_length("task_id", fields.get("task_id"), MAX_TASK_ID)
    return JobSpec(
        job_id=job_id,
        files=upload.files,
        options=_options(fields.get("options")).over(defaults),
        submitted_at=time.time(),
        metadata=_metadata(fields.get("metadata")),
        task_id=fields.get("task_id") or None,
        callback_url=_callback_url(fields.get("callback_url")),
        owner=NOBODY,
        idempotency_key=idempotency_key,
        fingerprint=_fingerprint(upload) if idempotency_key else "",
        request_id=request_id,
    )


def _check_length(name: str, value: str | None, limit: int) -> None:
    if value is not None and len(value) > limit:
        raise Refused(ErrorCode.INVALID_REQUEST, f"{name} is longer than {limit} characters")


def _options(text: str | None) -> ParseOptions:
    if not text:
        return ParseOptions()
    try:
        return ParseOptions.model_validate_json(text)
    except ValidationError as error:
        # Not the values: one of them may be a password.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "options"
    if first["type"] == "extra_forbidden":
        known = ", ".join(ParseOptions.model_fields)
        raise Refused(ErrorCode.UNKNOWN_OPTION, f"Unknown option '{where}'; the options are {known}")
    raise Refused(ErrorCode.INVALID_OPTION, f"Invalid option '{where}': {first['msg']}")


def _metadata(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        metadata = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(ErrorCode.INVALID_METADATA, f"metadata is not JSON: {error.msg}") from error
    if not isinstance(metadata, dict):
        raise Refused(ErrorCode.INVALID_METADATA, "metadata must be a JSON object")
    return metadata


def _callback_url(text: str | None) -> str | None:
    """Only its form: where it leads is checked whenever something is sent there."""
    if not text:
        return None
    try:
        url = urlsplit(text)
        well_formed = url.scheme in ("http", "https") and url.hostname is not None and url.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        well_formed = False
    if not well_formed or len(text) > MAX_URL:
        raise Refused(
            ErrorCode.CALLBACK_REFUSED, f"callback_url must be an http or https URL of at most {MAX_URL} characters"
        )
    return text


def _fingerprint(upload: Upload) -> str:
    """Equal for requests that ask for the same, whatever they are called or how they were encoded on the way."""
    files = [[file.filename, file.sha256] for file in upload.files]
    return hashlib.sha256(orjson.dumps([files, sorted(upload.fields.items())])).hexdigest()

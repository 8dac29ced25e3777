"""Validates the form fields of a request and builds the JobSpec."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, cast, get_args

import orjson
from pydantic import ValidationError

from actors.egress.guard import AddressGuard, AddressRefused
from actors.messages import JobSpec
from actors.nodes import checked_metadata
from client.models import CallbackContent, ChunkOptions, ErrorCode, ParseOptions
from serve_app.chunk_results import complete
from serve_app.invalid_options import invalid_option, refuse_outside_options
from serve_app.misspelt_names import refuse_misspelt_field
from serve_app.model_choice import complete_options
from serve_app.problems import Refused
from serve_app.settings import Settings
from serve_app.uploads import Upload
from serve_app.url_sources import identity_of

MAX_TASK_ID = 255
MAX_URL = 2_048

#: The owner of all jobs on a server without API keys.
NOBODY = ""


def make_spec(
    job_id: str,
    upload: Upload,
    settings: Settings,
    *,
    owner: str = NOBODY,
    request_id: str,
    traceparent: str = "",
    idempotency_key: str | None = None,
) -> JobSpec:
    """The job that the client asked for. Raises Refused for an invalid field."""
    fields = upload.fields
    guard = AddressGuard(settings.allowed_destinations)
    if fields.get("webhook_url") and not settings.webhook_keys:
        raise Refused(ErrorCode.CALLBACK_REFUSED, "webhook_url needs WEBHOOK_SECRET, which is not set on this server")
    if len(fields.get("task_id", "")) > MAX_TASK_ID:
        raise Refused(ErrorCode.INVALID_REQUEST, f"task_id must have at most {MAX_TASK_ID} characters")
    for name in fields:
        refuse_outside_options(name)
        refuse_misspelt_field(name)
    callback_content = _callback_content(fields)
    options = _options(fields.get("options"))
    if callback_content == "chunks" and options.chunks is None:
        options = options.model_copy(update={"chunks": ChunkOptions()})
    options = _with_tokenizer(options, settings)
    return JobSpec(
        job_id=job_id,
        files=upload.files,
        options=complete_options(options, settings),
        submitted_at=time.time(),
        metadata=_metadata(fields.get("metadata")),
        task_id=fields.get("task_id") or None,
        callback_url=_destination("callback_url", fields, guard),
        callback_content=callback_content,
        webhook_url=_destination("webhook_url", fields, guard),
        owner=owner,
        idempotency_key=idempotency_key,
        fingerprint=_fingerprint(upload, options) if idempotency_key is not None else "",
        request_id=request_id,
        traceparent=traceparent,
    )


def _options(text: str | None) -> ParseOptions:
    if not text:
        return ParseOptions()
    try:
        return ParseOptions.model_validate_json(text)
    except ValidationError as error:
        raise invalid_option(error) from None  # from None: it has values of the request


def _with_tokenizer(options: ParseOptions, settings: Settings) -> ParseOptions:
    """The options with complete options of chunks, as a later request for them has. Raises UnknownTokenizer."""
    if options.chunks is None:
        return options
    return options.model_copy(update={"chunks": complete(options.chunks, settings.tokenizers)})


def _callback_content(fields: Mapping[str, str]) -> CallbackContent:
    wanted = fields.get("callback_content") or "nodes"
    if wanted not in get_args(CallbackContent):
        raise Refused(ErrorCode.INVALID_REQUEST, "callback_content must be nodes or chunks")
    if wanted == "chunks" and not fields.get("callback_url"):
        raise Refused(ErrorCode.INVALID_REQUEST, "callback_content=chunks needs a callback_url")
    return cast(CallbackContent, wanted)


def _metadata(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        orjson.loads(text)  # refuses more than json does; but only json keeps large integers
        metadata = json.loads(text)
        if not isinstance(metadata, dict):
            raise Refused(ErrorCode.INVALID_METADATA, "metadata must be a JSON object")
        return checked_metadata(metadata)
    except orjson.JSONDecodeError as error:
        raise Refused(ErrorCode.INVALID_METADATA, f"metadata is not JSON: {error.msg}") from error
    except ValueError as error:
        raise Refused(ErrorCode.INVALID_METADATA, str(error)) from error


def _destination(name: str, fields: Mapping[str, str], guard: AddressGuard) -> str | None:
    """Checks the URL alone. Its host name is resolved and checked again at every delivery."""
    url = fields.get(name)
    if not url:
        return None
    if len(url) > MAX_URL:
        raise Refused(ErrorCode.CALLBACK_REFUSED, f"{name} must have at most {MAX_URL} characters")
    try:
        guard.check(url)
    except AddressRefused as error:
        raise Refused(ErrorCode.CALLBACK_REFUSED, f"{name} {error}") from error
    return url


def _fingerprint(upload: Upload, options: ParseOptions) -> str:
    """A hash that is equal for equal requests, independent of their encoding.

    It is stored as long as the job. A password could be guessed from it, so it only contains whether there is one, and
    of a source's headers the names.
    """
    files = [[file.filename, identity_of(file)] for file in upload.files]
    fields = {
        **upload.fields,
        "options": options.model_dump_json(exclude_defaults=True),
    }  # a password is dumped as asterisks
    return hashlib.sha256(orjson.dumps([files, sorted(fields.items())])).hexdigest()

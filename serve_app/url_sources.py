"""Reads the sources of a request: files that a dispatcher fetches, instead of the client sending them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from actors.egress.fetch import last_part
from actors.egress.guard import AddressGuard, AddressRefused, UrlInvalid
from actors.formats import label_of
from actors.messages import InputFile
from actors.sources import Source
from client.models import ErrorCode, UrlSource
from serve_app.problems import Refused

MAX_SOURCES = 100
MAX_SOURCES_BYTES = 1024 * 1024
MAX_URL = 8_192
MAX_HEADERS = 32
MAX_HEADER_BYTES = 8_192

_SOURCES = TypeAdapter(list[UrlSource])
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")

#: Headers that belong to the connection or to the request itself, and are not the client's to set.
_NOT_FOR_CLIENTS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"}
)


def parse_sources(text: str | bytes) -> list[UrlSource]:
    """The sources in a JSON array. Raises Refused."""
    try:
        return _SOURCES.validate_json(text)
    except ValidationError as error:
        # Not the values: headers are secrets, and URLs may be.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    raise _invalid(f"sources{f'.{where}' if where else ''}: {first['msg']}")


def remote_files(sources: Sequence[UrlSource], guard: AddressGuard, folder: str, first: int) -> list[InputFile]:
    """The sources as files of a job, from the index `first` on. Raises Refused for a source that is invalid.

    Host names are looked up when the file is fetched.
    """
    if first + len(sources) > MAX_SOURCES and sources:
        raise _invalid(f"A request with sources must have at most {MAX_SOURCES} files and sources")
    return [
        _remote_file(source, guard, f"{folder}/{index}", f"sources.{index - first}")
        for index, source in enumerate(sources, first)
    ]


def identity_of(file: InputFile) -> str:
    """A digest that is equal for equal files of a request. Of a source it has the URL, and no header's value."""
    if file.source is None:
        return file.sha256
    return hashlib.sha256(orjson.dumps([file.source.url, sorted(file.source.headers)])).hexdigest()


def _remote_file(source: UrlSource, guard: AddressGuard, key: str, where: str) -> InputFile:
    if len(source.url) > MAX_URL:
        raise _invalid(f"{where}.url must have at most {MAX_URL} characters")
    try:
        url = guard.check(source.url)
    except AddressRefused as error:
        code = ErrorCode.INVALID_SOURCE if isinstance(error, UrlInvalid) else ErrorCode.SOURCE_REFUSED
        raise Refused(code, f"{where}.url {error}") from error
    given = label_of(source.filename or "")
    return InputFile(
        filename=given or label_of(last_part(url)) or url.host,
        blob=key,
        size=0,
        sha256="",
        remote=True,
        source=Source(url=source.url, headers=_headers(source.headers, where), is_named=bool(given)),
    )


def _headers(given: Mapping[str, SecretStr], where: str) -> dict[str, str]:
    if len(given) > MAX_HEADERS:
        raise _invalid(f"{where}.headers must be at most {MAX_HEADERS}")
    headers: dict[str, str] = {}
    for name, secret in given.items():
        value = secret.get_secret_value().strip(" \t")
        if not _HEADER_NAME.fullmatch(name) or len(name) > MAX_HEADER_BYTES:
            raise _invalid(f"{where}.headers has a name that is no header name")
        if name.lower() in _NOT_FOR_CLIENTS:
            raise _invalid(f"{where}.headers must not have {name}: the server sets it itself")
        if not _HEADER_VALUE.fullmatch(value) or len(value) > MAX_HEADER_BYTES:
            limit = f"at most {MAX_HEADER_BYTES} printable ASCII characters"
            raise _invalid(f"The value of {name} in {where}.headers must be {limit}")
        headers[name] = value
    return headers


def _invalid(reason: str) -> Refused:
    return Refused(ErrorCode.INVALID_SOURCE, reason)

"""Files that a dispatcher fetches from URLs, instead of the client sending them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import orjson
from pydantic import SecretStr

from actors.egress.fetch import last_part
from actors.egress.guard import AddressGuard, AddressRefused, UrlInvalid
from actors.errors import FileError
from actors.formats import label_of
from actors.messages import InputFile
from actors.sources import Source
from client.models import ErrorCode, UrlSource
from serve_app.problems import Refused

MAX_SOURCES = 100
MAX_URL = 8_192
MAX_HEADERS = 32
MAX_HEADER_BYTES = 8_192

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")

#: Headers that belong to the connection or to the request itself, and are not the client's to set.
_NOT_FOR_CLIENTS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"}
)


def check_number(files: int) -> None:
    """Raises Refused when a request has too many files for one that names URLs."""
    if files > MAX_SOURCES:
        raise invalid(f"A request with sources must have at most {MAX_SOURCES} files and sources")


def identity_of(file: InputFile) -> str:
    """A digest that is equal for equal files of a request. Of a source it has the URL, and no header's value."""
    if file.source is None:
        return file.sha256
    return hashlib.sha256(orjson.dumps([file.source.url, sorted(file.source.headers)])).hexdigest()


def remote_file(source: UrlSource, guard: AddressGuard, key: str, where: str) -> InputFile:
    """A file of a job that is fetched later, into the blob `key`. Raises Refused when the source is invalid."""
    if len(source.url) > MAX_URL:
        raise invalid(f"{where}.url must have at most {MAX_URL} characters")
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


def driver_file(source: UrlSource, guard: AddressGuard, key: str) -> InputFile:
    """As `remote_file`, for a driver. Raises FileError, which a driver knows."""
    try:
        return remote_file(source, guard, key, "source")
    except Refused as refused:
        raise FileError(refused.code, str(refused)) from None


def _headers(given: Mapping[str, SecretStr], where: str) -> dict[str, str]:
    if len(given) > MAX_HEADERS:
        raise invalid(f"{where}.headers must be at most {MAX_HEADERS}")
    headers: dict[str, str] = {}
    for name, secret in given.items():
        value = secret.get_secret_value().strip(" \t")
        if not _HEADER_NAME.fullmatch(name) or len(name) > MAX_HEADER_BYTES:
            raise invalid(f"{where}.headers has a name that is no header name")
        if name.lower() in _NOT_FOR_CLIENTS:
            raise invalid(f"{where}.headers must not have {name}: the server sets it itself")
        if not _HEADER_VALUE.fullmatch(value) or len(value) > MAX_HEADER_BYTES:
            limit = f"at most {MAX_HEADER_BYTES} printable ASCII characters"
            raise invalid(f"The value of {name} in {where}.headers must be {limit}")
        headers[name] = value
    return headers


def invalid(reason: str) -> Refused:
    return Refused(ErrorCode.INVALID_SOURCE, reason)

"""Receives an upload: streams its files into the blob store and reads its text fields."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from actors.blobs import BlobStore
from actors.errors import FileError
from actors.formats import printable, suffix_of, supported_suffixes
from actors.messages import Failure, InputFile
from client.models import ErrorCode
from serve_app.multipart import Part, multipart_parts
from serve_app.problems import Refused

MAX_PARTS = 1_000
MAX_FIELD_BYTES = 64 * 1024
MAX_SOURCES_BYTES = 1024 * 1024

#: Text fields. They may also be sent as files, as curl does with `-F metadata=@file`.
TEXT_FIELDS = frozenset({"options", "metadata", "task_id", "callback_url", "callback_content", "webhook_url"})

_SUPPORTED = frozenset(supported_suffixes())


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """Limits in bytes. With `refuse_bad_files` a bad file refuses the whole request; otherwise only the file fails."""

    file_bytes: int
    request_bytes: int
    refuse_bad_files: bool


class Sources(Protocol):
    async def read(self, text: str | bytes, first: int) -> list[InputFile]:
        """The files that a JSON array of sources names, from the index `first` on. Raises Refused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A received upload: its stored files and sources in the order they were sent, and its text fields."""

    files: tuple[InputFile, ...]
    fields: dict[str, str]


async def receive_upload(
    request: Request, blobs: BlobStore, folder: str, rules: UploadRules, sources: Sources
) -> Upload:
    """Store the files of a request as `{folder}/{index}`. Raises Refused for a malformed, too large or empty request.

    After an error, the caller must delete the blobs that were already stored.
    """
    check_encoding(request.headers.get("content-encoding", ""))
    files: list[InputFile] = []
    fields: dict[str, str] = {}
    count = 0
    body = bounded(request.stream(), rules.request_bytes)
    async for part in multipart_parts(body, request.headers.get("content-type", "")):
        count += 1
        if count > MAX_PARTS:
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                f"A request must have at most {MAX_PARTS} parts. Split the files over several requests",
            )
        if part.name == "files":
            files.append(await _receive_file(part, blobs, f"{folder}/{len(files)}", rules))
        elif part.name == "sources":
            files += await sources.read(await receive_field(part, MAX_SOURCES_BYTES), len(files))
        elif part.filename and part.name not in TEXT_FIELDS:
            sent = f"'{printable(part.filename)}' was sent as '{printable(part.name)}'"
            raise Refused(ErrorCode.NO_FILES, f"{sent}. Send each file as a part named 'files'")
        else:
            refuse_second(part.name, fields)
            fields[part.name] = await receive_field(part)
    if not files:
        reason = "The request has no files. Send each file as a part named 'files', or name them in a field 'sources'"
        raise Refused(ErrorCode.NO_FILES, reason)
    return Upload(files=tuple(files), fields=fields)


def refuse_second(name: str, fields: Mapping[str, str]) -> None:
    """Raises Refused for a text field that the request had already: one of the two would be ignored."""
    if name in TEXT_FIELDS and name in fields:
        raise Refused(ErrorCode.INVALID_REQUEST, f"The field '{name}' is sent twice. Send it once")


def check_encoding(encoding: str) -> None:
    """Raises Refused for a compressed body: it could unpack to any size."""
    if encoding.strip().lower() not in ("", "identity"):
        reason = f"The Content-Encoding '{printable(encoding)}' is not supported. Send the body without one"
        raise Refused(ErrorCode.UNSUPPORTED_ENCODING, reason)


def check_size(size: int, limit: int) -> None:
    """Raises Refused when `size` is above `limit`, both in bytes."""
    if size > limit:
        raise Refused(ErrorCode.FILE_TOO_LARGE, f"The request is larger than {limit} bytes")


async def bounded(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The chunks of `body`. Raises Refused when they have more than `limit` bytes."""
    size = 0
    async for chunk in body:
        size += len(chunk)
        check_size(size, limit)
        yield chunk


async def _receive_file(part: Part, blobs: BlobStore, key: str, rules: UploadRules) -> InputFile:
    if not part.filename:
        raise Refused(
            ErrorCode.NO_FILES,
            "A part named 'files' has no file name. Add a filename to its Content-Disposition header",
        )
    filename = printable(part.filename)
    contents = Measured(part.data())
    rejected = None
    try:
        await _store(contents, filename, blobs, key, rules.file_bytes)
    except FileError as error:
        if rules.refuse_bad_files:
            raise Refused(error.file_code, error.message) from error
        rejected = Failure(code=error.file_code, message=error.message)
        async for _ in contents:  # skip the rest of the file
            pass
    blob = "" if rejected else key
    return InputFile(filename=filename, blob=blob, size=contents.size, sha256=contents.sha256, rejected=rejected)


async def _store(contents: Measured, filename: str, blobs: BlobStore, key: str, limit: int) -> None:
    """Store a file. Raises FileError, and then nothing is stored."""
    if suffix_of(filename) not in _SUPPORTED:
        raise FileError(ErrorCode.UNSUPPORTED_FORMAT, f"Unsupported file format: {filename}")
    async with blobs.writer(key) as writer:
        async for chunk in contents:
            if contents.size > limit:
                raise FileError(ErrorCode.FILE_TOO_LARGE, f"File too large: {filename} is larger than {limit} bytes")
            await writer.write(chunk)


class Measured:
    """Counts and hashes the chunks of a file while they are read. Reading can be resumed."""

    def __init__(self, data: AsyncIterator[bytes]) -> None:
        self._data = data
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._data:
            self.size += len(chunk)
            self._hash.update(chunk)
            yield chunk


async def receive_field(part: Part, limit: int = MAX_FIELD_BYTES) -> str:
    """The text of a form field. Raises Refused when it is longer than `limit` bytes or not UTF-8."""
    value = b""
    async for chunk in part.data():
        value += chunk
        if len(value) > limit:
            raise Refused(
                ErrorCode.INVALID_REQUEST, f"The field '{printable(part.name)}' must have at most {limit} bytes"
            )
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, f"The field '{printable(part.name)}' must be UTF-8 text") from error

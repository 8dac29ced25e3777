"""A request's files, streamed into the blob store as they arrive, and its text fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request

from actors.blobs import BlobStore
from actors.errors import FileError
from actors.formats import suffix_of, supported_suffixes
from actors.messages import Failure, InputFile
from client.models import ErrorCode
from serve_app.multipart import Part, multipart_parts
from serve_app.problems import Refused

MAX_PARTS = 1_000
MAX_FIELD_BYTES = 64 * 1024

#: Parts that hold text, whether or not it was read from a file.
TEXT_FIELDS = frozenset({"options", "metadata", "task_id", "callback_url", "webhook_url"})

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SUPPORTED = frozenset(supported_suffixes())


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """`refuse_bad_files`: whether one file that cannot be taken refuses the whole request, or only itself."""

    file_bytes: int
    request_bytes: int
    refuse_bad_files: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What a client sent: its files, durable and in the order they were sent, and its text fields."""

    files: tuple[InputFile, ...]
    fields: dict[str, str]


async def receive_upload(request: Request, blobs: BlobStore, folder: str, rules: UploadRules) -> Upload:
    """Store a request's files as `{folder}/{index}`. Raises Refused for one that is malformed, too large or empty.

    Blobs that were stored before an error are the caller's to remove.
    """
    files: list[InputFile] = []
    fields: dict[str, str] = {}
    count = 0
    body = _bounded(request.stream(), rules.request_bytes)
    async for part in multipart_parts(body, request.headers.get("content-type", "")):
        count += 1
        if count > MAX_PARTS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"A request may have at most {MAX_PARTS} parts")
        if part.name == "files":
            files.append(await _receive_file(part, blobs, f"{folder}/{len(files)}", rules))
        elif part.filename and part.name not in TEXT_FIELDS:
            sent = f"'{_label(part.filename)}' was sent as '{_label(part.name)}'"
            raise Refused(ErrorCode.NO_FILES, f"{sent}: send each file as a part named 'files'")
        else:
            fields[part.name] = await _receive_field(part)
    if not files:
        raise Refused(ErrorCode.NO_FILES, "No files were sent: send each one as a part named 'files'")
    return Upload(files=tuple(files), fields=fields)


def check_size(size: int, limit: int) -> None:
    """Raises Refused for a request of so many bytes."""
    if size > limit:
        raise Refused(ErrorCode.FILE_TOO_LARGE, f"The request is larger than {limit} bytes")


async def _bounded(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in body:
        size += len(chunk)
        check_size(size, limit)
        yield chunk


async def _receive_file(part: Part, blobs: BlobStore, key: str, rules: UploadRules) -> InputFile:
    if not part.filename:
        raise Refused(ErrorCode.NO_FILES, "A part named 'files' has no file name")
    filename = _label(part.filename)
    contents = _Measured(part)
    rejected = None
    try:
        await _store(contents, filename, blobs, key, rules.file_bytes)
    except FileError as error:
        if rules.refuse_bad_files:
            raise Refused(error.file_code, error.message) from error
        rejected = Failure(code=error.file_code, message=error.message)
        async for _ in contents:  # what is left of it
            pass
    blob = "" if rejected else key
    return InputFile(filename=filename, blob=blob, size=contents.size, sha256=contents.sha256, rejected=rejected)


async def _store(contents: _Measured, filename: str, blobs: BlobStore, key: str, limit: int) -> None:
    """Raises FileError, and then has stored nothing."""
    if suffix_of(filename) not in _SUPPORTED:
        raise FileError(ErrorCode.UNSUPPORTED_FORMAT, f"Unsupported file format: {filename}")
    async with blobs.writer(key) as writer:
        async for chunk in contents:
            if contents.size > limit:
                raise FileError(ErrorCode.FILE_TOO_LARGE, f"File too large: {filename} is larger than {limit} bytes")
            await writer.write(chunk)


class _Measured:
    """A file's chunks, counted and hashed on their way. Whoever stops reading may go on later."""

    def __init__(self, part: Part) -> None:
        self._data = part.data()
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


async def _receive_field(part: Part) -> str:
    value = b""
    async for chunk in part.data():
        value += chunk
        if len(value) > MAX_FIELD_BYTES:
            raise Refused(
                ErrorCode.INVALID_REQUEST, f"The field '{_label(part.name)}' is longer than {MAX_FIELD_BYTES} bytes"
            )
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, f"The field '{_label(part.name)}' is not UTF-8") from error


def _label(name: str) -> str:
    """A client's name for something, as it was sent but for control characters; never used as a path."""
    return _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", name)

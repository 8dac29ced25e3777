"""A request's files, streamed into the blob store as they arrive, and its text fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request

from actors.blobs import BlobStore
from actors.formats import suffix_of, supported_suffixes
from actors.messages import Failure, InputFile
from client.models import ErrorCode
from serve_app.multipart import Part, multipart_parts
from serve_app.problems import Refused

MAX_PARTS = 1_000
MAX_FIELD_BYTES = 64 * 1024

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SUPPORTED = frozenset(supported_suffixes())


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """`refuse_unsupported`: whether one unsupported file refuses the whole request, or only itself."""

    file_bytes: int
    refuse_unsupported: bool


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
    async for part in multipart_parts(request.stream(), request.headers.get("content-type", "")):
        count += 1
        if count > MAX_PARTS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"A request may have at most {MAX_PARTS} parts")
        if part.name == "files":
            files.append(await _receive_file(part, blobs, f"{folder}/{len(files)}", rules))
        else:
            fields[part.name] = await _receive_field(part)
    if not files:
        raise Refused(ErrorCode.NO_FILES, "No files were sent: send each one as a part named 'files'")
    return Upload(files=tuple(files), fields=fields)


async def _receive_file(part: Part, blobs: BlobStore, key: str, rules: UploadRules) -> InputFile:
    if not part.filename:
        raise Refused(ErrorCode.NO_FILES, "A part named 'files' has no file name")
    filename = _label(part.filename)
    contents = _Measured(part, filename, rules.file_bytes)
    if suffix_of(filename) in _SUPPORTED:
        async with blobs.writer(key) as writer:
            async for chunk in contents:
                await writer.write(chunk)
        return InputFile(filename=filename, blob=key, size=contents.size, sha256=contents.sha256)
    unsupported = Failure(code=ErrorCode.UNSUPPORTED_FORMAT, message=f"Unsupported file format: {filename}")
    if rules.refuse_unsupported:
        raise Refused(unsupported.code, unsupported.message)
    async for _ in contents:
        pass
    return InputFile(filename=filename, blob="", size=contents.size, sha256=contents.sha256, rejected=unsupported)


class _Measured:
    """A file's chunks, counted and hashed on their way. Raises Refused as soon as they are more than `limit` bytes."""

    def __init__(self, part: Part, filename: str, limit: int) -> None:
        self._part = part
        self._filename = filename
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._part.data():
            self.size += len(chunk)
            if self.size > self._limit:
                raise Refused(
                    ErrorCode.FILE_TOO_LARGE, f"File too large: {self._filename} is larger than {self._limit} bytes"
                )
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

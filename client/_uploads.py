"""Multipart uploads that stream from disk, can be sent again, and never block an event loop."""

from __future__ import annotations

import asyncio
import io
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import httpx

from client.errors import MissingFile
from client.models import CallbackContent, JobSource, ParseOptions, UrlSource

PathLike = str | os.PathLike[str]
#: A file to send; one that the server fetches, a `UrlSource` or an http or https URL as a str; or files of an earlier
#: job, a `JobSource`.
Input = PathLike | UrlSource | JobSource
Options = ParseOptions | Mapping[str, Any]

BLOCK = 256 * 1024  # bytes per chunk given to the transport; each chunk costs the async client a thread switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The content of a submit. Thanks to the idempotency key, a submit that is sent twice makes one job."""

    paths: Sequence[Input]
    callback_url: str | None = None
    callback_content: CallbackContent | None = None
    webhook_url: str | None = None
    task_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    options: Options | None = None
    idempotency_key: str | None = None

    def request(self, url: str, headers: Mapping[str, str]) -> httpx.Request:
        """The request that submits this to `url`. Raises `MissingFile` when a path is not a file."""
        fields = {
            "callback_url": self.callback_url,
            "callback_content": self.callback_content,
            "webhook_url": self.webhook_url,
            "task_id": self.task_id,
            "metadata": None if self.metadata is None else json.dumps(dict(self.metadata)),
            "options": None if self.options is None else _options_json(self.options),
        }
        given = {name: value for name, value in fields.items() if value is not None}
        key = self.idempotency_key or str(uuid.uuid4())
        return _upload(url, self.paths, given, {**headers, "Idempotency-Key": key})


def checked(paths: Sequence[PathLike]) -> list[Path]:
    """The paths, if all are files. Raises `MissingFile` for the first one that is not."""
    found = [Path(path) for path in paths]
    for path in found:
        if not path.is_file():
            raise MissingFile(path)
    return found


def source_of(given: Input) -> UrlSource | JobSource | None:
    """The source that `given` is or names; None for a path."""
    if isinstance(given, str) and given.lower().startswith(("http://", "https://")):
        return UrlSource(url=given)
    return given if isinstance(given, UrlSource | JobSource) else None


def _upload(url: str, inputs: Sequence[Input], fields: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Request:
    """A POST of `inputs` (form fields `files` and `sources`, in this order) and `fields`."""
    parts = [_part(given) for given in inputs]
    request = httpx.Request("POST", url, data=dict(fields), files=parts, headers=dict(headers))
    if parts:
        request.stream = _OffLoop(cast(httpx.SyncByteStream, request.stream))
    return request


def _part(given: Input) -> tuple[str, tuple[str | None, IO[bytes] | bytes]]:
    if source := source_of(given):
        return "sources", (None, _sources_json(source))
    (path,) = checked([cast(PathLike, given)])
    return "files", (_label(path), cast(IO[bytes], _LazyFile(path)))


def _sources_json(source: UrlSource | JobSource) -> bytes:
    """The `sources` form field, with the headers in clear instead of asterisks."""
    fields = source.model_dump(mode="json", exclude_unset=True)
    if isinstance(source, JobSource):
        return json.dumps([fields]).encode()
    headers = {name: value.get_secret_value() for name, value in source.headers.items()}
    return json.dumps([fields | {"headers": headers}]).encode()


def _label(path: Path) -> str:
    """A file's name that can be sent: bytes that are not UTF-8 become question marks."""
    return path.name.encode(errors="replace").decode()


def _options_json(options: Options) -> str:
    """The `options` form field: the options that were set, with the password in clear instead of asterisks."""
    if not isinstance(options, ParseOptions):
        return json.dumps(dict(options))
    fields = options.model_dump(mode="json", exclude_unset=True)
    if options.password is not None:
        fields["password"] = options.password.get_secret_value()
    return json.dumps(fields)


class _LazyFile(io.RawIOBase):
    """A file that is open only while it is read, so a batch of a thousand files needs one descriptor.

    httpx's multipart encoder seeks to the end to measure it, and rewinds it before each send.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._at = 0
        self._open: BinaryIO | None = None

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._release()
        self._at = offset + (self._size if whence == os.SEEK_END else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, up to the file's size at the start, because that size has already been announced."""
        if self._open is None:
            self._open = self._path.open("rb")
            self._open.seek(self._at)
        left = self._size - self._at
        block = self._open.read(left if size < 0 else min(size, left))
        self._at += len(block)
        if not block:
            self._release()
            if left:
                raise OSError(f"{self._path} became shorter while it was sent")
        return block

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class _OffLoop(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks of about `BLOCK` bytes. The async client reads it in a thread."""

    def __init__(self, body: httpx.SyncByteStream) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        block = bytearray()
        for part in self._body:
            block += part
            if len(block) >= BLOCK:
                yield bytes(block)
                block.clear()
        if block:
            yield bytes(block)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self)
        while block := await asyncio.to_thread(next, blocks, b""):
            yield block

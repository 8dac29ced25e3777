"""Files as a multipart body that streams from disk, can be sent again, and never blocks an event loop."""

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
from client.models import ParseOptions

PathLike = str | os.PathLike[str]
Options = ParseOptions | Mapping[str, Any]

BLOCK = 256 * 1024  # bytes handed to the transport at once; each costs the async client one hop to a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a job is made of. The key makes a submit that is sent twice find the job that the first one made."""

    paths: Sequence[PathLike]
    callback_url: str | None = None
    webhook_url: str | None = None
    task_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    options: Options | None = None
    idempotency_key: str | None = None

    def request(self, url: str, headers: Mapping[str, str]) -> httpx.Request:
        """Raises `MissingFile` when a path is not a file."""
        fields = {
            "callback_url": self.callback_url,
            "webhook_url": self.webhook_url,
            "task_id": self.task_id,
            "metadata": None if self.metadata is None else json.dumps(dict(self.metadata)),
            "options": None if self.options is None else _options_json(self.options),
        }
        given = {name: value for name, value in fields.items() if value is not None}
        key = self.idempotency_key or str(uuid.uuid4())
        return _upload(url, checked(self.paths), given, {**headers, "Idempotency-Key": key})


def checked(paths: Sequence[PathLike]) -> list[Path]:
    """The paths, all of which are files; raises `MissingFile` for the first one that isn't."""
    found = [Path(path) for path in paths]
    for path in found:
        if not path.is_file():
            raise MissingFile(path)
    return found


def _upload(url: str, paths: Sequence[Path], fields: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Request:
    """A POST of `paths` (form field `files`, in this order) and `fields`."""
    files = [("files", (_label(path), cast(IO[bytes], _LazyFile(path)))) for path in paths]
    request = httpx.Request("POST", url, data=dict(fields), files=files, headers=dict(headers))
    if files:
        request.stream = _OffLoop(cast(httpx.SyncByteStream, request.stream))
    return request


def _label(path: Path) -> str:
    """A file's name as it can be sent: one that is not UTF-8 on disk has question marks for what is not."""
    return path.name.encode(errors="replace").decode()


def _options_json(options: Options) -> str:
    """The `options` form field: what was set, and the password itself rather than asterisks."""
    if not isinstance(options, ParseOptions):
        return json.dumps(dict(options))
    fields = options.model_dump(mode="json", exclude_unset=True)
    if options.password is not None:
        fields["password"] = options.password.get_secret_value()
    return json.dumps(fields)


class _LazyFile(io.RawIOBase):
    """A file that is open only while it is read: a batch of a thousand files needs one descriptor, not a thousand.

    httpx's multipart encoder measures it by seeking to its end, and rewinds it for every sending.
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
        """The next bytes, and none past the size the file had at first: that size has been announced."""
        if self._open is None:
            self._open = self._path.open("rb")
            self._open.seek(self._at)
        left = self._size - self._at
        block = self._open.read(left if size < 0 else min(size, left))
        self._at += len(block)
        if not block:
            self._release()
            if left:
                raise OSError(f"{self._path} shrank while it was sent")
        return block

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class _OffLoop(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in blocks of `BLOCK` bytes, read in a thread when the client is async."""

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

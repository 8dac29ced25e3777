"""Stores the files of a request. Their content tells what they are, so any name will do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from actors.blobs import BlobStore
from actors.egress.guard import AddressGuard
from actors.formats import label_of
from actors.messages import InputFile
from client.models import ErrorCode, UrlSource
from serve_app.problems import Refused
from serve_app.uploads import Measured
from serve_app.url_sources import check_number, remote_file

#: The name of a file that has none.
UNNAMED = "document"


class FileStore:
    """Stores files as `{folder}/{index}`, in the order in which they come. A file has at most `limit` bytes."""

    def __init__(self, blobs: BlobStore, folder: str, limit: int, guard: AddressGuard) -> None:
        self._blobs = blobs
        self._folder = folder
        self._limit = limit
        self._guard = guard
        self._count = 0

    async def add(self, data: AsyncIterator[bytes]) -> InputFile:
        """Store a file. Raises Refused when it is too large, and what `data` raises; then nothing is stored."""
        key, contents = self._next_key(), Measured(data)
        async with self._blobs.writer(key) as writer:
            async for chunk in contents:
                if contents.size > self._limit:
                    raise Refused(ErrorCode.FILE_TOO_LARGE, f"A file is larger than {self._limit} bytes")
                await writer.write(chunk)
        return InputFile(filename=UNNAMED, blob=key, size=contents.size, sha256=contents.sha256, trust_name=False)

    def fetched(self, source: UrlSource, index: int) -> InputFile:
        """A file that a dispatcher will fetch; `index` is its place in the request. Raises Refused."""
        check_number(index + 1)
        return replace(remote_file(source, self._guard, self._next_key(), "sources.0"), trust_name=False)

    def _next_key(self) -> str:
        self._count += 1
        return f"{self._folder}/{self._count - 1}"


def named(file: InputFile, filename: str | None) -> InputFile:
    """The file under a name from the client. Some send a path of theirs; only its last part is the name."""
    return replace(file, filename=label_of(filename or "") or UNNAMED)

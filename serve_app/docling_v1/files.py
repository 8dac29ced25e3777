"""Stores the files of a request. Their content tells what they are, so any name will do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

from actors.blobs import BlobStore
from actors.messages import InputFile
from client.models import ErrorCode
from serve_app.problems import Refused
from serve_app.uploads import Measured, label

#: The name of a file that has none.
UNNAMED = "document"


class FileStore:
    """Stores files as `{folder}/{index}`, in the order in which they come. A file has at most `limit` bytes."""

    def __init__(self, blobs: BlobStore, folder: str, limit: int) -> None:
        self._blobs = blobs
        self._folder = folder
        self._limit = limit
        self._count = 0

    async def add(self, data: AsyncIterator[bytes]) -> InputFile:
        """Store a file. Raises Refused when it is too large, and what `data` raises; then nothing is stored."""
        key, contents = f"{self._folder}/{self._count}", Measured(data)
        self._count += 1
        async with self._blobs.writer(key) as writer:
            async for chunk in contents:
                if contents.size > self._limit:
                    raise Refused(ErrorCode.FILE_TOO_LARGE, f"A file is larger than {self._limit} bytes")
                await writer.write(chunk)
        return InputFile(filename=UNNAMED, blob=key, size=contents.size, sha256=contents.sha256, trust_name=False)


def named(file: InputFile, filename: str | None) -> InputFile:
    """The file under a name from the client. Some send a path of theirs; only its last part is the name."""
    return replace(file, filename=label(re.split(r"[/\\]", filename or "")[-1]) or UNNAMED)

"""All results of a job as one zip file. The file is written while it is sent and is never in memory as a whole."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import AsyncIterator
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

#: Bytes that file systems allow in a name.
MAX_NAME_BYTES = 255
_PUNCTUATION = " .()+-_"
_KEPT = ("L", "M", "N", "So")  # categories of Unicode: letters, the marks on them, numbers, emoji


class _Outlet:
    """The output of ZipFile. It cannot seek, so ZipFile writes sizes and checksums after each entry."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def take(self) -> bytes:
        data, self._written = b"".join(self._written), []
        return data


async def zipped(entries: AsyncIterator[tuple[str, AsyncIterator[bytes]]]) -> AsyncIterator[bytes]:
    """A zip file of named entries, as a stream. Threads do the compression."""
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=6) as archive:  # type: ignore[call-overload] # streaming works, too
        async for name, pieces in entries:
            info = ZipInfo(name, time.gmtime()[:6])
            info.compress_type = ZIP_DEFLATED
            with archive.open(info, "w") as entry:
                async for piece in pieces:
                    await asyncio.to_thread(entry.write, piece)
                    if ready := outlet.take():
                        yield ready
            yield outlet.take()
    yield outlet.take()


def entry_name(index: int, filename: str, suffix: str) -> str:
    """A safe entry name for a client's file name. The index makes it unique."""
    before, after = f"{index:04}-", f".{suffix}"
    return before + safe_name(filename, MAX_NAME_BYTES - len(before) - len(after)) + after


def safe_name(name: str, room: int = MAX_NAME_BYTES - 40) -> str:
    """A client's name for a file, without a path and valid on every file system. It has at most `room` bytes."""
    safe = "".join(letter if _is_safe(letter) else "_" for letter in name)
    return safe.encode()[:room].decode(errors="ignore")


def _is_safe(letter: str) -> bool:
    return letter in _PUNCTUATION or unicodedata.category(letter).startswith(_KEPT)

"""All results of a job as one zip file, written while it is sent: nothing of it is ever held whole."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_UNFIT = re.compile(r"[^\w .()+-]")
MAX_NAME = 100


class _Outlet:
    """What ZipFile writes to. It cannot seek, so ZipFile puts sizes and checksums after each entry."""

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
    """A zip file of named entries, piece by piece. Compressing happens in threads."""
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=6) as archive:  # type: ignore[call-overload] # it can stream
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
    """A client's name for a file, fit for every file system and never a path; the index keeps equal names apart."""
    return f"{index:04}-{_UNFIT.sub('_', filename)[:MAX_NAME]}.{suffix}"

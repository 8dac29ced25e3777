"""The number of the registry's newest change, and the newest changes themselves, in a file of the registry's machine.
Processes there read it without asking anybody."""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from actors.registry.change_bell import LOOK_EVERY_S, Bell, BellListener

#: Bytes for the newest entries. A reader that is further behind asks the registry.
RING = 256 * 1024
#: A longer entry is left out, and readers ask for it. Readers stay so far from what may be written at the moment.
LONGEST = RING // 4

_NUMBERS = 16  # the number of the newest change, and the bytes of all entries ever written
_SIZE = _NUMBERS + RING
_HEAD = struct.Struct("<II")  # the length of an entry, and its checksum


class ChangeClock:
    """Written by one process. A reader that sees the number that it knows has missed no change.

    The file is changed in place and never replaced, so a reader's view of it outlives the writer. It holds what users
    sent, so only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be written."""
        with open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            os.fchmod(file.fileno(), 0o600)
            os.posix_fallocate(file.fileno(), 0, _SIZE)  # a full disk must be found now, not at a write to memory
            whole = memoryview(mmap.mmap(file.fileno(), _SIZE))
        self._numbers = whole[:_NUMBERS].cast("Q")
        self._ring = whole[_NUMBERS:]
        self._bell = Bell(path)

    def set(self, number: int, entry: bytes | None = None) -> None:
        """Show the number of a change. `entry` is what readers get of it."""
        if entry is not None and len(entry) <= LONGEST - _HEAD.size:
            self._append(_HEAD.pack(len(entry), _checksum(entry)) + entry)
        self._numbers[0] = number
        self._bell.ring()

    def _append(self, data: bytes) -> None:
        written = self._numbers[1]
        start = written % RING
        first = min(len(data), RING - start)
        self._ring[start : start + first] = data[:first]
        self._ring[: len(data) - first] = data[first:]
        self._numbers[1] = written + len(data)


class ChangeClockReader:
    """Reads the clock at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers: memoryview | None = None
        self._ring = memoryview(b"")
        self._read = 0
        self._bell: BellListener | None = None
        self._is_silent = False

    def now(self) -> int | None:
        """The number of the newest change; None while there is no clock."""
        if self._numbers is None and not self._open():
            return None
        assert self._numbers is not None
        return int(self._numbers[0])

    async def moved(self) -> None:
        """Return once the clock may have moved since the last call. The first call returns soon."""
        if self._bell:
            await self._bell.rung()
        else:
            self._listen()
            await asyncio.sleep(LOOK_EVERY_S)

    def _listen(self) -> None:
        if not self._is_silent:
            try:
                self._bell = BellListener(self._path)
            except OSError:
                self._is_silent = True

    def entries(self) -> list[bytes]:
        """The entries since the last call, as far as they are still there, the oldest first."""
        if self.now() is None:
            return []
        assert self._numbers is not None
        begin, end = self._read, self._numbers[1]
        self._read = end
        data = self._copy(begin, end) if end - begin <= RING - LONGEST else b""
        overwritten = self._numbers[1] - begin > RING - LONGEST
        return [] if overwritten else list(_split(data))

    def _copy(self, begin: int, end: int) -> bytes:
        start, size = begin % RING, end - begin
        first = min(size, RING - start)
        return bytes(self._ring[start : start + first]) + bytes(self._ring[: size - first])

    def _open(self) -> bool:
        try:
            with self._path.open("rb") as file:
                whole = memoryview(mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ))
        except (OSError, ValueError):  # ValueError: the file is still empty
            return False
        self._numbers, self._ring = whole[:_NUMBERS].cast("Q"), whole[_NUMBERS:]
        self._read = self._numbers[1]
        return True


def _split(data: bytes) -> Iterator[bytes]:
    """The entries in `data`, up to one that another processor's memory does not show whole yet."""
    place = 0
    while place < len(data):
        size, checksum = _HEAD.unpack_from(data, place)
        place += _HEAD.size + size
        entry = data[place - size : place]
        if _checksum(entry) != checksum:
            return
        yield entry


def _checksum(entry: bytes) -> int:
    """Not 0 for an empty entry: memory that is not written yet must not look like one."""
    return zlib.crc32(entry, 1)

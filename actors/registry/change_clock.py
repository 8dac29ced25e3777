"""The number of the newest change, in a file that every process of the machine can read without asking anybody."""

from __future__ import annotations

import mmap
from pathlib import Path

_BYTES = 8


class ChangeClock:
    """Written by one process. A reader that sees the number that it knows has missed no change.

    The file is changed in place and never replaced, so a reader's view of it outlives the writer.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be written."""
        with path.open("a+b") as file:
            file.truncate(_BYTES)
            self._number = memoryview(mmap.mmap(file.fileno(), _BYTES)).cast("Q")

    def set(self, number: int) -> None:
        self._number[0] = number


class ChangeClockReader:
    """Reads the clock at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number: memoryview | None = None

    def now(self) -> int | None:
        """The number of the newest change; None while there is no clock."""
        if self._number is None and not self._open():
            return None
        assert self._number is not None
        return int(self._number[0])

    def _open(self) -> bool:
        try:
            with self._path.open("rb") as file:
                self._number = memoryview(mmap.mmap(file.fileno(), _BYTES, access=mmap.ACCESS_READ)).cast("Q")
        except (OSError, ValueError):  # ValueError: the file is still empty
            return False
        return True

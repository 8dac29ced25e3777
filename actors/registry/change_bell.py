"""Tells the processes of one machine that a file in memory has changed. Linux reports no write to memory, so the writer
also reads a byte of the file, which inotify reports. That changes nothing on the disk."""

from __future__ import annotations

import asyncio
import ctypes
import os
import weakref
from pathlib import Path

#: Where there is no inotify, or no more of it, a listener looks this often.
LOOK_EVERY_S = 0.005

_READ = 0x1  # IN_ACCESS
_EVENTS = 4096  # bytes; further events of one kind count as one


class BellListener:
    """Hears the bell of a file. Belongs to one event loop."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the system has no inotify, has none left, or reports nothing of this file."""
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            raise OSError("This system has no inotify")
        self._events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._events < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot be used")
        weakref.finalize(self, os.close, self._events)
        if libc.inotify_add_watch(self._events, os.fsencode(path), _READ) < 0:
            raise OSError(ctypes.get_errno(), "The file cannot be watched")
        Bell(path).ring()
        os.read(self._events, _EVENTS)  # raises when that was not heard

    async def rung(self) -> None:
        """Return once the bell has rung since the last call, or since this listener was made."""
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._events, heard.set)
        try:
            await heard.wait()
            os.read(self._events, _EVENTS)
        finally:
            loop.remove_reader(self._events)


class Bell:
    """Rings for the listeners of a file, which has at least one byte."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be read."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def ring(self) -> None:
        os.pread(self._file, 1, 0)

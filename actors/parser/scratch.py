"""Temporary folders for calls. No temporary file of a call outlives the call."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "docfleet-parser-"


class Scratch:
    """The temporary files of this process. One call at a time.

    A process that is killed cannot remove its folder. It holds a lock on the folder, and that lock ends with the
    process. So the next process to start sees that nobody uses the folder, and removes it.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        for folder in parent.glob(f"{PREFIX}*"):
            _remove_if_abandoned(folder)
        self._folder, lock = _make_locked_folder(parent)
        weakref.finalize(self, _remove, self._folder, lock)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Make `tempfile` and child processes use an empty folder, and remove it at the end of the context."""
        folder = self._folder / "call"
        folder.mkdir(mode=0o700)
        default, variable = tempfile.tempdir, os.environ.get("TMPDIR")
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = default
            os.environ.pop("TMPDIR")
            os.environ |= {"TMPDIR": variable} if variable else {}
            shutil.rmtree(folder, ignore_errors=True)


def _make_locked_folder(parent: Path) -> tuple[Path, int]:
    """A new folder, and the file descriptor that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else a process that started at this moment saw it unlocked
            return folder, lock
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder that no process holds a lock on. The folder of another user stays."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
    else:
        _remove(folder, lock)


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)

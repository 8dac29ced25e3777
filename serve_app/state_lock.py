"""Keeps a second service out of a state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve_app.start_checks import CannotStart


@contextmanager
def only_service_in(folder: Path) -> Iterator[None]:
    """Hold the folder until the context ends, or this process. Raises CannotStart when another process holds it.

    A second service would take the journal over, and the first would refuse every request from then on.
    """
    with open(folder / "lock", "a+", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CannotStart(
                f"STATE_DIR={folder} is in use by another docfleet, process {file.read() or 'unknown'}. "
                "Stop it, or set STATE_DIR to another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

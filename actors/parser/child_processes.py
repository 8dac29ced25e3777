"""Ends the processes that a call has started, such as LibreOffice. They would outlive a parser that ends itself."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil

from actors.errors import FileError
from actors.telemetry.logs import get_logger
from client.models import ErrorCode

log = get_logger()

#: How long before the deadline of a call its processes are ended, in seconds and as a part of its time.
BEFORE_S = 5.0
BEFORE_PART = 0.1

#: A call may start one process after the other. So they are looked for again after so many seconds.
AGAIN_S = 0.2


@contextmanager
def ended_before(limit_s: float, apart: Collection[int] = ()) -> Iterator[None]:
    """End the processes that this one has started and that still run shortly before `limit_s` seconds have passed.

    Those with an id in `apart` go on, with all that they have started: no call has started them. Whoever waits for the
    others goes on too, so the parser lives. Raises FileError when that makes the context fail.
    """
    over, ended = threading.Event(), threading.Event()
    patience_s = limit_s - min(BEFORE_S, BEFORE_PART * limit_s)

    def watch() -> None:
        late = not over.wait(patience_s)
        while late:
            if _end_children(apart):
                ended.set()
            late = not over.wait(AGAIN_S)

    watcher = threading.Thread(target=watch, name="child-processes", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if not ended.is_set():
            raise
        message = f"The file cannot be parsed: a program that reads it did not end within {patience_s:.0f} s"
        raise FileError(ErrorCode.INVALID_FILE, message) from error
    finally:
        over.set()
        watcher.join()


def _end_children(apart: Collection[int]) -> bool:
    """Kill every process below this one, except those in `apart`. Returns whether there were any."""
    found = [child for child in psutil.Process().children() if child.pid not in apart]
    for child in found:
        with suppress(psutil.NoSuchProcess):
            found += child.children()
    for child in found:
        log.warning("child_process_ended", pid=child.pid)
        with suppress(psutil.NoSuchProcess):
            child.kill()
    return bool(found)

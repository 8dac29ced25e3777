"""Ends this process when a call in it takes too long: a thread that hangs cannot be stopped in any other way."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2  # the worker's log, under Ray


class Watchdog:
    """Watches over one call at a time; the stacks of all threads are logged before the process exits.

    What counts the seconds is a thread of the interpreter's own that needs no lock of it: native code that never
    gives the interpreter back is ended as well, which a thread or a signal handler of ours could not do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: object = None
        self._ends_at = 0.0

    @contextmanager
    def watch(self, call: object, seconds: float) -> Iterator[None]:
        """End the process unless the context is left within that time."""
        with self._lock:
            self._watched = call
            self._arm(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._watched = None
                faulthandler.cancel_dump_traceback_later()

    def hurry(self, call: object, seconds: float) -> None:
        """Give `call` that time from now at most. Nothing happens when it is not, or no longer, under way."""
        with self._lock:
            if self._watched is call:
                self._arm(min(seconds, self._ends_at - time.monotonic()))

    def _arm(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        faulthandler.dump_traceback_later(max(seconds, 0.001), exit=True, file=STDERR)

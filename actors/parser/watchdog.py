"""Ends this process when a call takes too long. There is no other way to stop a thread that hangs."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STDERR = 2  # under Ray, the worker's log


class Watchdog:
    """Watches one call at a time. It logs the stacks of all threads before the process exits.

    `faulthandler` counts the seconds in a thread that does not need the interpreter lock. So it also ends native code
    that never releases the lock; a Python thread or signal handler could not do that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: object = None
        self._ends_at = 0.0
        self._was_extended = False

    @contextmanager
    def watch(self, call: object, seconds: float) -> Iterator[None]:
        """End the process when the context is not left within `seconds`."""
        with self._lock:
            self._watched, self._was_extended = call, False
            self._arm(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._watched = None
                faulthandler.cancel_dump_traceback_later()

    def hurry(self, call: object, seconds: float, stop: Callable[[], None]) -> None:
        """Give `call` at most `seconds` from now, and `stop` it. Does nothing when `call` is not running.

        `stop` only asks, and never reaches a later call.
        """
        with self._lock:
            if self._watched is call:
                stop()
                self._arm(min(seconds, self._ends_at - time.monotonic()))

    def extend(self, call: object, seconds: float) -> None:
        """Give `call` at least `seconds` from now, once. Does nothing when `call` is not running."""
        with self._lock:
            if self._watched is call and not self._was_extended and self._ends_at < time.monotonic() + seconds:
                self._was_extended = True
                self._arm(seconds)

    def _arm(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        faulthandler.dump_traceback_later(max(seconds, 0.001), exit=True, file=STDERR)

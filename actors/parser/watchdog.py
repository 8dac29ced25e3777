"""Ends this process when a call takes too long. There is no other way to stop a thread that hangs."""

from __future__ import annotations

import faulthandler
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STDERR = 2  # under Ray, the worker's log

#: How much later the native timer ends the process, in seconds: only when Python code could not.
NATIVE_AFTER_S = 1.0


class Watchdog:
    """Watches one call at a time. It logs the stacks of all threads before the process exits.

    A thread does this that holds the interpreter lock meanwhile, so that no other one changes its stack. Native code
    that never releases the lock keeps that thread waiting. `faulthandler` counts the seconds in a thread that does not
    need the lock, and ends the process then. With running Python code its log of the stacks can segfault.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: object = None
        self._ends_at = math.inf
        self._looks_at = math.inf  # when the thread looks again without being told to
        self._was_extended = False
        threading.Thread(target=self._end_process, name="watchdog", daemon=True).start()

    @contextmanager
    def watch(self, call: object, seconds: float) -> Iterator[None]:
        """End the process when the context is not left within `seconds`."""
        with self._changed:
            self._watched, self._was_extended = call, False
            self._arm(seconds)
        try:
            yield
        finally:
            with self._changed:
                self._watched, self._ends_at = None, math.inf
                faulthandler.cancel_dump_traceback_later()

    def hurry(self, call: object, seconds: float, stop: Callable[[], None]) -> None:
        """Give `call` at most `seconds` from now, and `stop` it. Does nothing when `call` is not running.

        `stop` only asks, and never reaches a later call.
        """
        with self._changed:
            if self._watched is call:
                stop()
                self._arm(min(seconds, self._ends_at - time.monotonic()))

    def extend(self, call: object, seconds: float) -> None:
        """Give `call` at least `seconds` from now, once. Does nothing when `call` is not running."""
        with self._changed:
            if self._watched is call and not self._was_extended and self._ends_at < time.monotonic() + seconds:
                self._was_extended = True
                self._arm(seconds)

    def _arm(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        faulthandler.dump_traceback_later(max(seconds, 0.0) + NATIVE_AFTER_S, exit=True, file=STDERR)
        if self._ends_at < self._looks_at:
            self._changed.notify()

    def _end_process(self) -> None:
        """Wait until a call has passed its limit, and end the process."""
        with self._changed:
            while (now := time.monotonic()) < self._ends_at:
                self._looks_at = self._ends_at
                self._changed.wait(min(self._looks_at - now, threading.TIMEOUT_MAX))
            os.write(STDERR, b"The call passed its time limit.\n")
            faulthandler.dump_traceback(file=STDERR)
            os._exit(1)

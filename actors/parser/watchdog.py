"""Ends this process when a call in it takes too long: a thread that hangs cannot be stopped in any other way."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2  # the worker's log, under Ray


@contextmanager
def ends_process_after(seconds: float) -> Iterator[None]:
    """Watch over one call; the stacks of all threads are logged before the process exits. One call at a time.

    The watcher is a thread of the interpreter's own that needs no lock of it: native code that never gives the
    interpreter back is ended as well, which a thread or a signal handler of ours could not do.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()

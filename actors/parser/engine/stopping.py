"""Stops a conversion that nobody waits for any more. A process runs one conversion at a time.

Its pages are in several of docling's threads at once, so the flag belongs to the process. Each stage looks at it before
it takes a page. So the last look also tells how long a page has been in a stage.
"""

from __future__ import annotations

import threading
import time

_asked = threading.Event()
_looked_at = 0.0, 0.0


class Stopped(Exception):
    """The conversion was stopped, and has no result."""


def begin() -> None:
    """A new conversion begins. It was not asked to stop yet."""
    _asked.clear()


def stop() -> None:
    """Ask the conversion to stop. Any thread may call this."""
    _asked.set()


def asked() -> bool:
    global _looked_at
    _looked_at = time.monotonic(), time.process_time()
    return _asked.is_set()


def looked_at() -> tuple[float, float]:
    """When a stage last took a page: in monotonic time, and in the processor time of this process."""
    return _looked_at

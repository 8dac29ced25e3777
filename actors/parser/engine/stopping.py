"""Stops a conversion that nobody waits for any more. A process runs one conversion at a time.

Its pages are in several of docling's threads at once, so the flag belongs to the process. Each stage looks at it before
it takes a page.
"""

from __future__ import annotations

import threading

_asked = threading.Event()


class Stopped(Exception):
    """The conversion was stopped, and has no result."""


def begin() -> None:
    """A new conversion begins. It was not asked to stop yet."""
    _asked.clear()


def stop() -> None:
    """Ask the conversion to stop. Any thread may call this."""
    _asked.set()


def asked() -> bool:
    return _asked.is_set()

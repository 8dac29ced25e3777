"""How much memory a piece of work takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: When Python searches for garbage by default; tests/conftest.py has it search far less.
THRESHOLDS = (700, 10, 10)


@dataclass
class Peak:
    bytes: int = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """The peak of Python's memory above its level at the start, known at the end."""
    peak, thresholds = Peak(), gc.get_threshold()
    gc.collect()
    gc.set_threshold(*THRESHOLDS)
    tracemalloc.start()
    try:
        yield peak
        peak.bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*thresholds)

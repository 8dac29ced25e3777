"""Runs a call that should not slow down other processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

#: Beside a busy process of normal priority, such a call gets a tenth of a core.
NICENESS = 10


def at_low_priority(call: Callable[[], T]) -> T:
    """The result of `call`, made in a thread that leaves the CPU to others.

    On Linux every thread has its own priority, and only a privileged process can raise it again. This thread ends
    instead.
    """
    with ThreadPoolExecutor(max_workers=1, initializer=_yield_to_others, thread_name_prefix="low-priority") as pool:
        return pool.submit(call).result()


def _yield_to_others() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))

"""Limits the memory of a call. Tiny files exist that would fill the machine."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import psutil

from actors.telemetry.logs import get_logger

log = get_logger()

MIB = 1024 * 1024
GIB = 1024 * MIB

#: A call may add this many bytes to the process, and this many for each byte that it was given.
GROWTH = 2 * GIB
GROWTH_PER_BYTE = 100

#: A call may always add this many bytes, even when the process already holds all that it may.
LEAST_GROWTH = GIB

#: Where the kernel enforces the limit, the watch ends a process only this far above it.
MARGIN = 512 * MIB

#: After a call that adds more than this, in bytes, memory that is free goes back to the machine.
KEPT = 256 * MIB

#: How often the watch looks, in seconds, where nothing else limits the memory.
POLL_INTERVAL_S = 0.05

#: The same where the kernel enforces the limit. Only shared memory can pass it then. A look takes a quarter of a
#: millisecond of CPU time, threads included: at the shorter interval as much as Ray needs for the whole call.
POLL_INTERVAL_UNDER_KERNEL_S = 0.25

#: How long a call that passed its limit may go on, so that its caller is told why before the process ends.
ANSWER_WITHIN_S = 2.0


class MemoryLimit:
    """Limits the memory of this process during one call at a time.

    The kernel refuses memory above the limit. The allocation fails with MemoryError, and the process lives on. CUDA
    reserves far more memory than it uses, so under CUDA there is only the watch: a thread that looks at the resident
    memory. A thread that allocates cannot be stopped, so the watch tells the caller why, and ends the process. It also
    ends a process whose memory grows without the kernel's notice, as shared memory does.
    """

    def __init__(self, ceiling: int, *, kernel_limit: bool = True) -> None:
        """`ceiling`: the bytes that the whole process may hold."""
        self._ceiling = ceiling
        self._kernel_limit = kernel_limit and sys.platform == "linux"
        self._process = psutil.Process()

    @contextmanager
    def watch(self, given: int, refuse: Callable[[], None]) -> Iterator[None]:
        """Limit a call that was given `given` bytes. When it passes its limit, `refuse` must tell its caller."""
        memory = self._process.memory_info()
        limit = call_limit(held=memory.rss, ceiling=self._ceiling, given=given)
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(limit, ended, refuse), name="memory-limit", daemon=True)
        watch.start()
        try:
            with _data_limit(memory.data + limit - memory.rss) if self._kernel_limit else nullcontext():
                yield
        finally:
            ended.set()
            watch.join()
            if self._process.memory_info().rss > memory.rss + KEPT:
                _give_back()

    def _watch(self, limit: int, ended: threading.Event, refuse: Callable[[], None]) -> None:
        limit += MARGIN if self._kernel_limit else 0
        interval = POLL_INTERVAL_UNDER_KERNEL_S if self._kernel_limit else POLL_INTERVAL_S
        while not ended.wait(interval):
            if (held := self._process.memory_info().rss) > limit:
                log.error("memory_limit_passed", held_mib=held // MIB, limit_mib=limit // MIB)
                refuse()
                time.sleep(ANSWER_WITHIN_S)
                os._exit(1)


def call_limit(*, held: int, ceiling: int, given: int) -> int:
    """The bytes that a process may hold in a call that was given `given` bytes, when it holds `held` before."""
    return min(held + GROWTH + GROWTH_PER_BYTE * given, max(ceiling, held + LEAST_GROWTH))


def _give_back() -> None:
    """Return free memory to the machine. Without this, glibc keeps the memory of a large call for the next one."""
    gc.collect()  # an error holds the frames that raised it, and they hold the pictures of a page
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:  # glibc alone has it
        trim(0)


@contextmanager
def _data_limit(wanted: int) -> Iterator[None]:
    """Let the kernel refuse memory above `wanted` bytes. A lower limit that is already there stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

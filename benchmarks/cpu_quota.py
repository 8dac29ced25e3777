"""Limits how much of a core a process may use: a machine with few cores then behaves like slower ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000  # short, so that a process is never still for long


@contextmanager
def limited(pids: Iterable[int], cores: float) -> Iterator[None]:
    """Each of the processes gets at most `cores` of a core until the context ends.

    Needs root, and control groups of Linux, version 1 or 2.
    """
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(_limited(pid, cores))
        yield


@contextmanager
def _limited(pid: int, cores: float) -> Iterator[None]:
    is_v2 = (CGROUPS / "cgroup.controllers").exists()
    root = CGROUPS if is_v2 else CGROUPS / "cpu"
    folder = root / f"docfleet-{pid}"
    folder.mkdir()
    quota_us = round(cores * PERIOD_US)
    if is_v2:
        (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
    else:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (folder / "cpu.cfs_quota_us").write_text(str(quota_us))
    (folder / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have ended
            (root / "cgroup.procs").write_text(str(pid))
        folder.rmdir()

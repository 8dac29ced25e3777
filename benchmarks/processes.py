"""The CPU time of the processes that a benchmark has started."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil


def cpu_of_processes() -> Counter[str]:
    """CPU seconds so far, by the name of the process. Parsers are counted together."""
    used: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            times = process.cpu_times()
            used[_name(process)] += times.user + times.system
    return used


def _name(process: psutil.Process) -> str:
    """`ray::ServeReplica:docfleet:Parser.open` is Parser."""
    command = process.cmdline()
    title = command[0] if command else process.name()
    return title.split(":")[-1].split(".")[0].split()[0] if title.startswith("ray::") else Path(title).name

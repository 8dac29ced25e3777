"""The CPU time and the memory of the processes that a benchmark has started."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import psutil

MIB = 1024 * 1024

#: The titles that Ray gives to the service's own processes.
TITLES = {
    "registry": "ray::JobRegistry",
    "dispatcher": "ray::ServeReplica:docfleet:Dispatcher",
    "ingress": "ray::ServeReplica:docfleet:Ingress",
    "parser": "ray::ServeReplica:docfleet:Parser",
}

Sample = dict[str, int]


def cpu_of_processes() -> Counter[str]:
    """CPU seconds so far, by the name of the process. Parsers are counted together."""
    used: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            times = process.cpu_times()
            used[_name(process)] += times.user + times.system
    return used


def cpu_of_threads() -> Counter[str]:
    """CPU seconds so far, by the names of process and thread. A thread's name tells its library."""
    used: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):  # it has ended
            name = _name(process)
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                nanoseconds = int((thread / "schedstat").read_text().split()[0])
                used[f"{name}, {(thread / 'comm').read_text().strip()}"] += nanoseconds / 1e9  # type: ignore[assignment]
    return used


def _name(process: psutil.Process) -> str:
    """`ray::ServeReplica:docfleet:Parser.open` is Parser, and `python -u .../log_monitor.py --logs-dir` log_monitor."""
    command: list[str] = process.cmdline() or [process.name()]
    title, *arguments = command
    if title.startswith("ray::"):
        return title.split(":")[-1].split(".")[0].split()[0]
    script = next((each for each in arguments if not each.startswith("-")), title)
    return Path(script if Path(title).name.startswith("python") else title).stem


def memory_of_processes(*, shared: bool = True) -> Sample:
    """The memory of each process of the service in MiB, by name and number.

    Without `shared`, what it shares with others is left out: its libraries, and the parts of Ray's object store that it
    has ever looked at.
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    for process in sorted(psutil.Process().children(recursive=True), key=lambda one: one.pid):
        try:
            title, memory = " ".join(process.cmdline()), process.memory_info()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        for name, beginning in TITLES.items():
            if title.startswith(beginning):
                found[name].append((memory.rss - (0 if shared else memory.shared)) // MIB)
    return {f"{name} {number}": held for name, several in found.items() for number, held in enumerate(several, 1)}

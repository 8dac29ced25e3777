"""The CPU time of a service without work, by process: of its start, and then of a minute. `python -m benchmarks.idle`.

It has two parsers with their models, and has parsed one document. To compare settings of Ray, set them in the
environment: docfleet keeps the variables that are set there.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import httpx

from benchmarks.processes import cpu_of_processes, cpu_of_threads
from benchmarks.service import describe_machine, service

SETTLE_S = 120.0  # after that, everything that the start and the document have left to do is done
MEASURED_S = 60.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--settle", type=float, default=SETTLE_S, help="seconds before the measurement")
    options.add_argument("--seconds", type=float, default=MEASURED_S, help="how long it is")
    options.add_argument("--threads", action="store_true", help="by thread, too")
    given = options.parse_args()
    print(describe_machine())
    with service(PARSER_MIN_REPLICAS="2", PARSER_MAX_REPLICAS="2", PARSER_NUM_CPUS="0.5") as url:
        start = cpu_of_processes()
        batch = httpx.post(f"{url}/parse", files={"files": ("tide.md", b"# Tide")}, timeout=60).json()
        assert batch["successful"] == 1, batch
        time.sleep(given.settle)
        before, threads_before = cpu_of_processes(), cpu_of_threads()
        time.sleep(given.seconds)
        used, threads = cpu_of_processes(), cpu_of_threads()
    idle = _percent(before, used, given.seconds)
    print("process                  start, s   idle, % of a core")
    for name, percent in [*idle.most_common(), ("all", idle.total())]:
        print(f"{name:25}{start.total() if name == 'all' else start[name]:8.2f}{percent:19.2f}")
    if given.threads:
        for name, percent in _percent(threads_before, threads, given.seconds).most_common():
            print(f"{name:40}{percent:12.3f}")


def _percent(before: Counter[str], after: Counter[str], seconds: float) -> Counter[str]:
    return Counter({name: 100 * (after[name] - before[name]) / seconds for name in after})


if __name__ == "__main__":
    main()

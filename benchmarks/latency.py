"""The time from submit to result of one small file, on an idle service. `python -m benchmarks.latency`."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from benchmarks.service import describe_machine, service
from client import DoclingParserClient


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/notes.md"))
    options.add_argument("--count", type=int, default=100)
    chosen = options.parse_args()
    print(describe_machine())
    with service() as url, DoclingParserClient(url) as client:
        for _ in range(10):
            client.submit_and_wait(chosen.file)
        times = []
        for _ in range(chosen.count):
            started = time.perf_counter()
            client.submit_and_wait(chosen.file)
            times.append((time.perf_counter() - started) * 1000)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"submit to result of {chosen.file.name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, min {min(times):.0f} ms")


if __name__ == "__main__":
    main()

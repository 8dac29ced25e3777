"""What docling-serve's routes cost over the native ones, in turns on an idle service.

`python -m benchmarks.docling_v1`. Both send the same small file, and ask for the same Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.service import describe_machine, service

WARM_UP = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/notes.md"))
    options.add_argument("--count", type=int, default=200)
    chosen = options.parse_args()
    print(describe_machine())
    with service(PROFILE="native") as url, httpx.Client(base_url=url, timeout=60) as http:
        files = {"files": (chosen.file.name, chosen.file.read_bytes())}
        job_id = str(http.post("/v1/convert/file/async", files=files).json()["task_id"])
        http.get(f"/v1/status/poll/{job_id}", params={"wait": 60})
        markdown = f"/jobs/{job_id}/results?format=markdown&images=placeholder"
        compare("status", chosen.count, lambda: http.get(f"/jobs/{job_id}"), lambda: poll(http, job_id))
        compare("Markdown", chosen.count, lambda: http.get(markdown), lambda: http.get(f"/v1/result/{job_id}"))
        submits = (
            lambda: http.post("/submit", files=files),
            lambda: http.post("/v1/convert/file/async", files=files),
        )
        compare("submit", chosen.count, *submits)


def poll(http: httpx.Client, job_id: str) -> httpx.Response:
    return http.get(f"/v1/status/poll/{job_id}")


def compare(what: str, count: int, native: Callable[[], httpx.Response], docling: Callable[[], httpx.Response]) -> None:
    """Print the median times of two requests that take turns, and how much the second costs over the first."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + count):
        for ask, taken in zip((native, docling), times, strict=True):
            started = time.perf_counter()
            ask().raise_for_status()
            if number >= WARM_UP:
                taken.append((time.perf_counter() - started) * 1000)
    ours, theirs = map(statistics.median, times)
    print(
        f"{what}: native {ours:.2f} ms, docling-serve's {theirs:.2f} ms, {theirs - ours:+.2f} ms ({theirs / ours:.2f})"
    )


if __name__ == "__main__":
    main()

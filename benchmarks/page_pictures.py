"""The time to see the pages of a PDF as pictures, first drawn and then stored: `python -m benchmarks.page_pictures`."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from benchmarks.service import describe_machine, service
from client import DoclingParserClient

SCALE = 2.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/report.pdf"))
    chosen = options.parse_args()
    print(describe_machine())
    with service() as url, DoclingParserClient(url) as client:
        job_id = client.submit_job(chosen.file)["job_id"]
        pages = client.wait_for_job(job_id)["progress"]["pages_total"]
        client.page_picture(job_id, 0, 1)  # opens the connections
        for what in ("drawn", "again"):
            times = [seconds_for(client, job_id, page) * 1000 for page in range(1, pages + 1)]
            p50, worst = statistics.median(times), max(times)
            pictures = f"{pages} pages of {chosen.file.name} at scale {SCALE:g}"
            print(f"{pictures}, {what}: p50 {p50:.0f} ms, max {worst:.0f} ms")


def seconds_for(client: DoclingParserClient, job_id: str, page: int) -> float:
    started = time.perf_counter()
    client.page_picture(job_id, 0, page, scale=SCALE)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

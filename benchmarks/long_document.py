"""A made PDF of 2,000 pages: time, assembly, progress and memory. `python -m benchmarks.long_document [--pages N]`.

First on 32 parsers that sleep (`benchmarks.sleeping`), so that all of the cost is the orchestration's; then on two real
parsers with the profile `native`. Half-way, another client submits documents of one page, one after another.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from reportlab.pdfgen.canvas import Canvas

from benchmarks.processes import Sample, memory_of_processes
from benchmarks.service import describe_machine, service, spread
from benchmarks.sleeping import SECONDS_PER_PAGE
from client import DoclingParserClient

PAGES = 2_000
LINES = 40
SLEEPERS = 32
SHORT_JOBS = 3
LOOK_INTERVAL_S = 0.1
MEMORY_INTERVAL_S = 1.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=PAGES)
    options.add_argument("--only", choices=["sleeping", "native"])
    chosen = options.parse_args()
    print(describe_machine())
    with TemporaryDirectory() as folder:
        if chosen.only != "native":
            run_sleeping(Path(folder), chosen.pages)
        if chosen.only != "sleeping":
            run_native(Path(folder), chosen.pages)


def run_sleeping(folder: Path, pages: int) -> None:
    long, short = folder / "sleeps.pdf", folder / "short.pdf"
    long.write_text(str(pages))
    short.write_text("1")
    env = {"PARSER_MIN_REPLICAS": str(SLEEPERS), "PARSER_MAX_REPLICAS": str(SLEEPERS), "PARSER_NUM_CPUS": "0.01"}
    with service(module="benchmarks.sleeping", **env) as url, DoclingParserClient(url) as client:
        client.submit_and_wait(long)  # until every parser has had a call
        ideal = pages * SECONDS_PER_PAGE / SLEEPERS
        print(f"{pages} pages on {SLEEPERS} parsers that sleep, ideal {ideal:.2f} s: {followed(client, long, short)}")


def run_native(folder: Path, pages: int) -> None:
    long, short = folder / "long.pdf", folder / "one.pdf"
    long.write_bytes(made_pdf(pages))
    short.write_bytes(made_pdf(1))
    env = {"PARSER_MIN_REPLICAS": "2", "PARSER_MAX_REPLICAS": "2", "PROFILE": "native"}
    with service(**env) as url, DoclingParserClient(url) as client:
        for _ in range(4):
            client.submit_and_wait(short)
        print(f"{pages} pages on 2 parsers, profile native: {followed(client, long, short)}")


def made_pdf(pages: int) -> bytes:
    """Pages of text, each with a heading, LINES lines and a number."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=True)
    for page in range(1, pages + 1):
        canvas.drawString(60, 790, f"{page}. What page {page} holds")
        for line in range(LINES):
            text = f"Line {line} of page {page} says that account {100 * page + line} holds {7 * line} pieces of it."
            canvas.drawString(60, 760 - 17 * line, text)
        canvas.drawString(290, 30, str(page))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@dataclass(slots=True)
class Followed:
    """What a client sees of a job, with times in seconds since the submit, and the memory of the service meanwhile."""

    progress: list[tuple[float, int]] = field(default_factory=list)
    memory: list[Sample] = field(default_factory=list)
    ended: float = 0.0
    short_jobs: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        times = [at for at, _ in self.progress]
        pause = max((later - at for at, later in pairwise(times)), default=0.0)
        assembly = self.ended - times[-1]
        return (
            f"{self.ended:.2f} s; from the last page to the end {assembly:.2f} s, {assembly / self.ended:.3f} of it; "
            f"{len(times)} steps of progress, at most {pause:.2f} s apart; "
            f"one page in the middle {spread(self.short_jobs)} s; {_growth(self.memory)}"
        )


def followed(client: DoclingParserClient, long: Path, short: Path) -> Followed:
    """Submit `long`, and `short` a few times once half of its pages are done. Returns when all have ended."""
    seen, began = Followed(memory=[memory_of_processes(shared=False)]), time.monotonic()
    job = client.submit_job(long)["job_id"]
    in_the_middle = threading.Thread(target=_time_short_jobs, args=(client, short, seen))
    while not (status := client.job(job).status()).status.ended:
        now, pages = time.monotonic() - began, status.progress.pages_done
        if pages and (not seen.progress or pages > seen.progress[-1][1]):
            seen.progress.append((now, pages))
        if 2 * pages >= status.progress.pages_total > 0 and in_the_middle.ident is None:
            in_the_middle.start()
        if now > MEMORY_INTERVAL_S * len(seen.memory):
            seen.memory.append(memory_of_processes(shared=False))
        time.sleep(LOOK_INTERVAL_S)
    seen.ended = time.monotonic() - began
    assert client.wait_for_results(job)["failed"] == 0
    in_the_middle.join()
    return seen


def _time_short_jobs(client: DoclingParserClient, short: Path, seen: Followed) -> None:
    for _ in range(SHORT_JOBS):
        began = time.monotonic()
        client.submit_and_wait(short)
        seen.short_jobs.append(time.monotonic() - began)


def _growth(memory: Sequence[Sample]) -> str:
    """How far each process but the parsers was above its first size, at most, in MiB, without shared memory."""
    names = [name for name in memory[0] if not name.startswith("parser")]
    above = {name: max(sample.get(name, 0) for sample in memory) - memory[0][name] for name in names}
    return "MiB above the start: " + ", ".join(f"{name} {by:+}" for name, by in above.items())


if __name__ == "__main__":
    main()

"""A made PDF of 2,000 pages: time, assembly, progress and memory. `python -m benchmarks.long_document [--pages N]`.

First on 32 parsers that sleep (`benchmarks.sleeping`), so that all of the cost is the orchestration's; then on two real
parsers with the profile `native`. Half-way, another client submits documents of one page, one after another. At last
in one parser without Ray: how long its assembly and its exports hold up its event loop, and small files of others.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from actors.derivations import Chunks, Derivation, Export
from actors.messages import FileTask, PageSpan
from actors.parser.parser import Parser, ParserConfig
from actors.tokenizer_files import DEFAULT_TOKENIZER
from benchmarks.processes import Sample, memory_of_processes
from benchmarks.service import describe_machine, service, spread
from benchmarks.sleeping import SECONDS_PER_PAGE
from client import DoclingParserClient
from client.models import ExportFormat, ParseOptions
from client.options import ChunkOptions

T = TypeVar("T")

PAGES = 2_000
LINES = 40
SLEEPERS = 32
SHORT_JOBS = 3
LOOK_INTERVAL_S = 0.1
MEMORY_INTERVAL_S = 1.0
SPAN = 16
TICK_S = 0.005
NATIVE = ParseOptions(profile="native")
SMALL = np.frombuffer(b"# A heading\n\nA paragraph.\n", np.uint8)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=PAGES)
    options.add_argument("--only", choices=["sleeping", "native", "beside"])
    chosen = options.parse_args()
    print(describe_machine())
    with TemporaryDirectory() as folder:
        if chosen.only in (None, "sleeping"):
            run_sleeping(Path(folder), chosen.pages)
        if chosen.only in (None, "native"):
            run_native(Path(folder), chosen.pages)
        if chosen.only in (None, "beside"):
            asyncio.run(run_beside(chosen.pages))


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


async def run_beside(pages: int) -> None:
    parser, data = Parser(ParserConfig(defaults=NATIVE, is_only=True)), np.frombuffer(made_pdf(pages), np.uint8)
    task = _task("long.pdf", data.nbytes)
    spans = [PageSpan(first, min(first + SPAN - 1, pages)) for first in range(1, pages + 1, SPAN)]
    shards = [await parser.parse_pages(data, task, span) for span in spans]
    document = (await _beside("assembly", parser, parser.assemble(data, task, (), *shards))).document
    source = np.frombuffer(document, np.uint8)
    chunks = ChunkOptions(tokenizer=DEFAULT_TOKENIZER, max_tokens=256)
    made: list[tuple[str, Derivation]] = [
        ("Markdown", Export(source="s", folder="f", job_id=task.job_id, form=ExportFormat.MARKDOWN)),
        ("HTML", Export(source="s", folder="f", job_id=task.job_id, form=ExportFormat.HTML)),
        ("chunks", Chunks(source="s", folder="f", job_id=task.job_id, options=chunks)),
    ]
    for name, derivation in made:
        await _beside(f"{name} of {len(document) / 1e6:.0f} MB", parser, parser.derive(source, derivation))


async def _beside(name: str, parser: Parser, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in `parser`, while a small file of another job is sent to it again and again."""
    began, waits = time.monotonic(), list[float]()
    async with _ticks() as late:
        long = asyncio.create_task(work)
        await asyncio.sleep(LOOK_INTERVAL_S)
        while not long.done():
            sent = time.monotonic()
            await parser.open(SMALL, _task("small.md", SMALL.nbytes), 1)
            waits.append(time.monotonic() - sent)
    print(
        f"{name} {time.monotonic() - began:.1f} s; the loop is late by {max(late):.3f} s at most, "
        f"p99 {np.percentile(late, 99):.3f}; a small file takes {waits[0]:.2f} s first, "
        f"then {spread(waits[1:] or waits)} s"
    )
    return await long


@asynccontextmanager
async def _ticks() -> AsyncIterator[list[float]]:
    """By how many seconds the event loop is late, each TICK_S."""
    late = list[float]()

    async def tick() -> None:
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            late.append(time.monotonic() - due)

    ticking = asyncio.create_task(tick())
    try:
        yield late
    finally:
        ticking.cancel()


def _task(filename: str, size: int) -> FileTask:
    return FileTask(
        job_id=filename, index=0, filename=filename, size=size, options=NATIVE, metadata={}, time_limit_s=600
    )


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

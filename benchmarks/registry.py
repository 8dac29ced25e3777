"""The cost of the registry: the same work with few and with many ended jobs, to show that history costs nothing.

    python benchmarks/registry.py [--ended 1000 200000]

Runs without Ray, whose call adds about a millisecond to each. The journal is SQLite, in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.messages import Claim, FileOutcome, InputFile, JobOutcome, JobSpec
from actors.registry.journal import Journal
from actors.registry.lifecycle import Event, State
from actors.registry.record import JobRecord, Save
from actors.registry.registry import JobRegistry, RegistryConfig
from client.models import ParseOptions, Progress

Figures = dict[str, tuple[float, ...]]

ROUNDS = 3  # the best one counts, because other programs use the machine too
JOBS = 2000  # for each kind of call
TOGETHER = 50  # requests that the ingress has under way at once
QUEUED = 5000  # jobs that a restart finds unfinished

OUTCOME = JobOutcome(
    files=(
        FileOutcome(
            filename="report.pdf",
            response="results/0123456789abcdef0123456789abcdef/0/response",
            document="results/0123456789abcdef0123456789abcdef/0/document",
            success=True,
            num_nodes=12,
            pages=12,
            processing_time_ms=1234.5,
        ),
    ),
    progress=Progress(pages_total=12, pages_done=12, files_total=1, files_done=1),
)


def spec(job_id: str) -> JobSpec:
    file = InputFile(filename="report.pdf", blob=f"inputs/{job_id}/0", size=10**6, sha256="0" * 64)
    return JobSpec(
        job_id=job_id,
        files=(file,),
        options=ParseOptions(profile="auto", do_ocr=True, do_table_structure=True, page_chunks=True),
        submitted_at=time.time(),
        metadata={"customer": "0123456789"},
    )


def fill(url: str, ended: int) -> None:
    """A journal with `history` ended jobs, and unfinished jobs for the restart."""
    journal = Journal(url)
    journal.open()
    seqs = iter(range(1, ended + QUEUED + 1))
    while batch := [history(seq, ended) for _, seq in zip(range(1000), seqs, strict=False)]:
        journal.write([Save(None, job) for job in batch])
    journal.close()


def history(seq: int, ended: int) -> JobRecord:
    job = JobRecord(spec=spec(f"{seq:032x}"), seq=seq, state=State.QUEUED, version=0)
    if seq > ended:
        return job
    running = job.after(Event.CLAIM, lease="1", dispatcher="d", attempts=1, started_at=time.time())
    return running.after(Event.COMPLETE, outcome=OUTCOME, ended_at=time.time(), progress=OUTCOME.progress)


class Meter:
    """Microseconds of wall time and of CPU per job, by kind of call."""

    def __init__(self) -> None:
        self.found: Figures = {}

    @contextmanager
    def of(self, kind: str, jobs: int) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.found[kind] = tuple(
            1e6 * spent / jobs for spent in (time.perf_counter() - wall, time.process_time() - cpu)
        )


async def submits(registry: JobRegistry, meter: Meter, run: str) -> None:
    with meter.of("submit, one after another", 200):
        for n in range(200):
            await registry.submit(spec(f"{run}-a-{n}"))
    with meter.of(f"submit, {TOGETHER} at once", JOBS):
        for start in range(0, JOBS, TOGETHER):
            await asyncio.gather(*(registry.submit(spec(f"{run}-s-{n}")) for n in range(start, start + TOGETHER)))
    with meter.of(f"submit_many of {TOGETHER}", JOBS):
        for start in range(0, JOBS, TOGETHER):
            await registry.submit_many([spec(f"{run}-m-{n}") for n in range(start, start + TOGETHER)])


async def measure(registry: JobRegistry) -> Meter:
    meter = Meter()
    run = uuid.uuid4().hex
    await submits(registry, meter, run)
    claims: list[Claim] = []
    with meter.of("claim, 10 in a call", JOBS):
        while len(claims) < JOBS:
            claims += await registry.claim(f"d{len(claims)}", 10, 0)
    with meter.of("get, queued", JOBS):
        for n in range(JOBS):
            await registry.get_many([f"{run}-m-{n}"])
    with meter.of(f"finish, {TOGETHER} at once", JOBS):
        for start in range(0, JOBS, TOGETHER):
            some = claims[start : start + TOGETHER]
            await asyncio.gather(*(registry.finish(one.spec.job_id, one.lease, OUTCOME) for one in some))
    with meter.of("get, ended", JOBS):
        for one in claims:
            await registry.get_many([one.spec.job_id])
    with meter.of("list, 20 in a page", JOBS):
        for _ in range(JOBS):
            await registry.list_jobs("", None, 20, None)
    return meter


def run(url: str) -> Figures:
    """Start on a filled journal and measure."""

    async def main() -> Figures:
        config = RegistryConfig(database_url=url, max_queued_jobs=10**6, max_queued_bytes=10**15, job_ttl_s=10**9)
        started = time.perf_counter()
        registry = JobRegistry(config)
        recovery = time.perf_counter() - started
        meter = await measure(registry)
        await registry.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
        return {**meter.found, f"start with {QUEUED} unfinished jobs, s": (recovery,), "peak memory, MB": (peak,)}

    return asyncio.run(main())


def show(columns: dict[int, Figures]) -> None:
    """Wall and CPU time side by side; the ratios compare the most history with the least."""
    sizes = sorted(columns)
    print(f"{'microseconds per job: wall (CPU)':44}" + "".join(f"{size:>13,} ended" for size in sizes) + "     ratio")
    for kind, least in columns[sizes[0]].items():
        cells = [columns[size][kind] for size in sizes]
        texts = [f"{cell[0]:,.2f}" if len(cell) == 1 else f"{cell[0]:,.0f} ({cell[1]:,.0f})" for cell in cells]
        ratios = [f"{most / few:.2f}" for most, few in zip(cells[-1], least, strict=True)]
        print(f"{kind:44}" + "".join(f"{text:>19}" for text in texts) + f"  {ratios[0]:>8} ({ratios[-1]})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ended", type=int, nargs="+", default=[1000, 200_000], help="jobs in the journal")
    ended = parser.parse_args().ended
    urls: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in ended:
            url = f"sqlite:///{Path(folder) / str(size)}.db"
            fill(url, size)
            urls[size] = url
        rounds = [{size: alone(url) for size, url in urls.items()} for _ in range(ROUNDS)]
    show({size: {kind: min(one[size][kind] for one in rounds) for kind in rounds[0][size]} for size in urls})


def alone(url: str) -> Figures:
    """`run` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(run, (url,))


if __name__ == "__main__":
    main()

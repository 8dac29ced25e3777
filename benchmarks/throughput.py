"""Small files: the speed of the service compared with bare docling's, in turns. `python -m benchmarks.throughput`.

`--only wait poll nine` chooses the ways in which the clients work. `--rest S` measures instead how fast the service is
after S seconds without work.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare_docling import bare_docling
from benchmarks.callers import CLIENTS, Caller, Load, by_poll, by_wait, measured
from benchmarks.processes import cpu_of_processes
from benchmarks.service import describe_machine, service, spread

PARSERS = 2
RUNS = 5
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Way:
    """How the clients send the files, and wait."""

    files_per_job: int
    caller: Caller
    text: str


WAYS = {
    "wait": Way(1, by_wait, f"one file a job, {CLIENTS} clients that wait"),
    "poll": Way(1, by_poll, f"one file a job, {CLIENTS} clients that poll"),
    "nine": Way(9, by_wait, f"9 files a job, {CLIENTS} clients that wait"),
}
REST_JOBS = 180


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=Path("examples/documents"))
    options.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--rest", type=float, metavar="S")
    chosen = options.parse_args()
    files = sorted(path for path in chosen.folder.iterdir() if is_small(path))
    print(f"{len(files)} files, {ROUNDS} rounds; {describe_machine()}")
    with service(PARSER_MIN_REPLICAS=str(PARSERS), PARSER_MAX_REPLICAS=str(PARSERS)) as url:
        measured(url, _jobs(files, 1) * 4, by_wait)  # until each parser has seen each file
        if chosen.rest:
            after_rest(url, files, chosen.rest)
        else:
            beside_bare_docling(url, files, [WAYS[name] for name in chosen.only], chosen.runs)


def is_small(path: Path) -> bool:
    """Office and web documents, which need no models."""
    return path.suffix in {".docx", ".html", ".md", ".pptx", ".xlsx"} and path.name != "README.md"


def _jobs(files: Sequence[Path], files_per_job: int) -> list[Sequence[Path]]:
    return [files[first : first + files_per_job] for first in range(0, len(files), files_per_job)]


def beside_bare_docling(url: str, files: Sequence[Path], ways: Sequence[Way], runs: int) -> None:
    """Print the speed of each way, and its ratio to the speed of bare docling just before."""
    bare: list[float] = []
    loads: dict[str, list[Load]] = {way.text: [] for way in ways}
    with bare_docling(files, PARSERS) as docling:
        for _ in range(runs):
            with _cost_per_document(ROUNDS * len(files)):
                bare.append(docling.documents_per_s(ROUNDS // PARSERS))
            for way in ways:
                with _cost_per_document(ROUNDS * len(files)):
                    load = measured(url, _jobs(files, way.files_per_job) * ROUNDS, way.caller)
                loads[way.text].append(load)
                print(f"  clients {load.client_cpu_ms:.1f}; {way.text}: {load.documents_per_s:.1f} docs/s", flush=True)
    print(f"{PARSERS} bare docling processes, Markdown and JSON: {spread(bare)} docs/s")
    for text, found in loads.items():
        ratios = [load.documents_per_s / reference for load, reference in zip(found, bare, strict=True)]
        left = [ratio / (1 - _share_of_clients(load)) for load, ratio in zip(found, ratios, strict=True)]
        print(f"{text}: {spread([load.documents_per_s for load in found])} docs/s, ratio {spread(ratios)};")
        print(f"  of the CPU time that the clients leave: ratio {spread(left)}")


def _share_of_clients(load: Load) -> float:
    """The part of the machine's CPU time that the clients use."""
    return load.documents_per_s * load.client_cpu_ms / 1000 / (os.cpu_count() or 1)


def after_rest(url: str, files: Sequence[Path], rest_s: float) -> None:
    jobs = (_jobs(files, 1) * REST_JOBS)[:REST_JOBS]
    time.sleep(rest_s)
    first, warm = (measured(url, jobs, by_wait).documents_per_s for _ in range(2))
    print(
        f"{len(jobs)} jobs after {rest_s:.0f} s of rest: {first:.1f} docs/s, then {warm:.1f}; ratio {first / warm:.2f}"
    )


@contextmanager
def _cost_per_document(documents: int) -> Iterator[None]:
    """Print the CPU time that each process uses for a document, in milliseconds."""
    before = cpu_of_processes()
    yield
    used = {name: 1000 * (seconds - before.get(name, 0)) / documents for name, seconds in cpu_of_processes().items()}
    most = sorted(used.items(), key=lambda item: -item[1])
    print("  CPU, ms a document: " + ", ".join(f"{name} {ms:.1f}" for name, ms in most if ms >= 0.1))


if __name__ == "__main__":
    main()

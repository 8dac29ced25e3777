"""Runs the benchmarks that take less than two minutes each: `python -m benchmarks [FOLDER]` (`make bench`).

Those of speed run one after the other, those of accuracy side by side. FOLDER holds your own documents. Without it the
benchmarks use the sample documents, and skip what needs more. To run a benchmark alone, use its command in
`docs/benchmarks.md`. Run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

LONG_PDF = "redp5110_sampled.pdf"
SIDE_BY_SIDE = 2  # each computes in one thread


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?")
    folder: Path | None = options.parse_args().folder
    began = time.monotonic()
    statuses = [_run(command, sys.stdout, began) for command in speed(folder)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        statuses += pool.map(partial(_run_and_print, began=began), accuracy(folder))
    failed = sum(status != 0 for status in statuses)
    print(f"\n== {len(statuses)} benchmarks, of which {failed} failed, in {time.monotonic() - began:.0f} s")
    return int(failed > 0)


def speed(folder: Path | None) -> list[list[str]]:
    """The benchmarks that need the machine for themselves."""
    long_pdf = [str(folder / LONG_PDF)] if folder and (folder / LONG_PDF).exists() else []
    return [
        ["throughput", "--runs", "3", *([str(folder)] if folder else [])],
        ["latency"],
        ["parser_start"],
        ["idle", "--settle", "10", "--seconds", "15"],
        ["large_pdf", *long_pdf],
        ["scaling"],
        ["orchestration"],
        ["http_rates"],
        ["docling_v1"],
        ["pictures"],
        ["pdf_options"],
        ["page_pictures"],
        ["remote_models"],
        ["page"],
        ["registry", "--ended", "1000", "50000"],
    ]


def accuracy(folder: Path | None) -> list[list[str]]:
    """The benchmarks that measure no time, with fewer seeds than by default."""
    return [
        ["made_pages", "--seeds", "300", "302"],
        ["scanned_rows", "--seeds", "300", "301"],
        ["tables"],
        *([["fidelity", str(folder), str(folder / "ground_truth")]] if folder else []),
    ]


def _run(command: Sequence[str], output: IO[str], began: float) -> int:
    """Run a benchmark. Returns its exit status."""
    print(f"\n== {' '.join(command)} (after {time.monotonic() - began:.0f} s)", file=output, flush=True)
    module, *arguments = command
    run = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return subprocess.run(run, stdout=output, check=False).returncode


def _run_and_print(command: Sequence[str], began: float) -> int:
    """The same, but print the output when the benchmark has ended: others run beside it."""
    with TemporaryFile("w+") as output:
        status = _run(command, output, began)
        output.seek(0)
        print(output.read(), end="", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

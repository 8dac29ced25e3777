"""Runs the benchmarks one after the other: `python -m benchmarks [FOLDER]` (`make bench`).

All but `soak`, `long_document`, `stops` and `peers`, which take minutes each. FOLDER holds your own documents. Without
it the benchmarks use the sample documents, and skip what needs more. To run a benchmark alone, use its command in
`docs/benchmarks.md`. Run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

LONG_PDF = "redp5110_sampled.pdf"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?")
    folder: Path | None = options.parse_args().folder
    runs = [
        ["throughput", "--runs", "3", *([str(folder)] if folder else [])],
        ["latency"],
        ["parser_start"],
        ["idle", "--settle", "30"],
        ["large_pdf", *([str(folder / LONG_PDF)] if folder and (folder / LONG_PDF).exists() else [])],
        ["scaling"],
        ["orchestration"],
        ["http_rates"],
        ["docling_v1"],
        ["pictures"],
        ["pdf_options"],
        ["page_pictures"],
        ["remote_models"],
        ["page"],
        ["tables"],
        ["made_pages"],
        ["scanned_rows"],
        ["registry"],
        ["control_plane"],
        *([["fidelity", str(folder), str(folder / "ground_truth")]] if folder else []),
    ]
    failed, began = 0, time.monotonic()
    for module, *arguments in runs:
        print(f"\n== {module} {' '.join(arguments)} (after {time.monotonic() - began:.0f} s)", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *arguments], check=False).returncode != 0
        )
    print(f"\n== {len(runs)} benchmarks, of which {failed} failed, in {time.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())

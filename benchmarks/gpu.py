"""What a GPU and many cores give, within 15 minutes: `python -m benchmarks.gpu [FILE] [--dry-run]`.

Runs `benchmarks.scaling` three times: docling's own models and the bundled models on parsers that share one GPU, and
the bundled models on parsers with a core each. A run that takes longer than its share of the time is stopped, and the
next one begins. `--dry-run` needs no GPU: it runs each step once, with one parser and one file, on the CPU.

The bundled models use the GPU only with `onnxruntime-gpu` in place of `onnxruntime`. For a machine without a network,
fetch its wheel elsewhere (`pip download --no-deps onnxruntime-gpu`) and install it with `pip install --no-index`.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from benchmarks.scaling import gpu_name
from benchmarks.service import describe_machine

#: How long a stopped run may take to end its service.
GRACE_S = 60.0


@dataclass(frozen=True)
class Step:
    """A run of `benchmarks.scaling`, and the seconds that it may take."""

    name: str
    arguments: tuple[str, ...]
    limit_s: float


STEPS = (
    Step("docling's own models on one GPU", ("--gpu", "standard", "--replicas", "1", "2", "4"), 270),
    Step("the bundled models on one GPU", ("--gpu", "bundled", "--replicas", "1", "2", "4"), 240),
    Step("the bundled models on a core each", ("--replicas", "1", "2", "4", "8", "16"), 330),
)
DRY = ("--dry-run", "--replicas", "1")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/report.pdf"))
    options.add_argument("--dry-run", action="store_true", help="each step once, with one parser, on the CPU")
    given = options.parse_args()
    print(f"{describe_machine()}; GPU: {gpu_name()}; onnxruntime: {', '.join(onnxruntime.get_available_providers())}")
    failed = [step.name for step in STEPS if not run(step, command_of(step, given.file, dry_run=given.dry_run))]
    print(f"not measured: {'; '.join(failed)}" if failed else "all steps ran")
    return len(failed)


def command_of(step: Step, file: Path, *, dry_run: bool) -> list[str]:
    """The command line of a step. The last of two equal options counts."""
    extra = DRY if dry_run else ()
    return [sys.executable, "-m", "benchmarks.scaling", str(file), *step.arguments, *extra]


def run(step: Step, command: Sequence[str], grace_s: float = GRACE_S) -> bool:
    """Whether the step ended well within its time."""
    print(f"\n== {step.name}", flush=True)
    started = time.monotonic()
    process = subprocess.Popen(command)
    try:
        return process.wait(step.limit_s) == 0
    except subprocess.TimeoutExpired:
        print(f"stopped after {time.monotonic() - started:.0f} s", flush=True)
        process.send_signal(signal.SIGINT)  # so that it ends its service
        process.wait(grace_s)
        return False


if __name__ == "__main__":
    sys.exit(main())

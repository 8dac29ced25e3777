"""Shows whether memory stays flat: parses many documents, and prints the memory of every process meanwhile.

    python -m benchmarks.soak [FOLDER] [--documents 500]

Takes minutes, so it is not part of `make bench`. Parsers are not replaced here, because that would hide a leak. Without
FOLDER it uses the sample documents, over and over.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from actors.formats import suffix_of, supported_suffixes
from benchmarks.processes import Sample, memory_of_processes
from benchmarks.service import describe_machine, service
from client import DoclingParserClient

PARSERS = 2
LARGEST = 400_000  # bytes; larger files would take most of the time


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, nargs="?", default=Path("examples/documents"))
    options.add_argument("--documents", type=int, default=500)
    arguments = options.parse_args()
    files = [path for path in sorted(arguments.folder.iterdir()) if _is_fit(path)]
    rounds = -(-arguments.documents // len(files))
    print(f"{len(files)} files, {rounds} rounds, {PARSERS} parsers; {describe_machine()}", flush=True)
    env = {"PARSER_MIN_REPLICAS": str(PARSERS), "PARSER_MAX_REPLICAS": str(PARSERS), "PARSER_MAX_PAGES": "0"}
    with service(**env) as url, DoclingParserClient(url) as client:
        samples = [memory_of_processes()]
        _show_names(samples[0])
        _show(0, samples[0])
        began = time.monotonic()
        for done in range(1, rounds + 1):
            client.submit_and_wait(*files)
            samples.append(memory_of_processes())
            _show(done * len(files), samples[-1])
        print(f"{rounds * len(files) / (time.monotonic() - began):.1f} documents/s")
    _show_growth(samples)


def _is_fit(path: Path) -> bool:
    return path.is_file() and suffix_of(path.name) in supported_suffixes() and path.stat().st_size < LARGEST


def _show_names(sample: Sample) -> None:
    print(f"{'documents':>10}" + "".join(f"{name:>14}" for name in sample))


def _show(documents: int, sample: Sample) -> None:
    print(f"{documents:>10}" + "".join(f"{held:>14}" for held in sample.values()), flush=True)


def _show_growth(samples: list[Sample]) -> None:
    """The growth from the middle to the end. By then every parser has seen every kind of document many times."""
    half = samples[len(samples) // 2 :]
    growth = {name: half[-1].get(name, 0) - held for name, held in half[0].items()}
    print("MiB in the second half: " + ", ".join(f"{name} {by:+}" for name, by in growth.items()))


if __name__ == "__main__":
    main()

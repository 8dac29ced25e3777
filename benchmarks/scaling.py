"""Pages per second on one, two, four and eight parsers, compared with that multiple of one parser's.

`python -m benchmarks.scaling [FILE] [--replicas 1 2 4 8]`: the bundled models, each parser on a core of its own.
`--gpu standard`, `--gpu bundled`: docling's own or the bundled models, on parsers that share one GPU.
`python -m benchmarks.gpu` runs all three.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.random_models import save_random_models
from benchmarks.service import describe_machine, service, spread
from client import DoclingParserClient
from serve_app.settings import Settings

CPUS_BESIDE_A_GPU = 2.0  # what docs/deployment.md asks for


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/report.pdf"))
    options.add_argument("--replicas", type=int, nargs="+", help="default: 1 2 4 8, and 1 2 4 with --gpu")
    options.add_argument("--gpu", choices=["standard", "bundled"], help="share one GPU, with these models")
    options.add_argument("--dry-run", action="store_true", help="one round of one file, on the CPU: does it run?")
    given = options.parse_args()
    on_gpu = bool(given.gpu) and not given.dry_run
    if on_gpu and not gpu_name():
        sys.stderr.write("torch sees no GPU here\n")
        return 1
    print(f"{given.file.name}; {describe_machine()}{f'; {gpu_name()}' if on_gpu else ''}")
    with _standard_models() if given.gpu == "standard" else _bundled_models() as models:
        counts = sorted(given.replicas or ([1, 2, 4] if given.gpu else [1, 2, 4, 8]))
        load = Load(given.file, 1, 1) if given.dry_run else Load(given.file)
        compare(load, counts, models, on_gpu=on_gpu)
    return 0


@dataclass(frozen=True)
class Load:
    """A file, and how often it is parsed: in each round by each parser."""

    file: Path
    rounds: int = 3
    files_per_parser: int = 4  # with fewer, the last file would decide the result


def compare(load: Load, counts: list[int], models: Mapping[str, str], *, on_gpu: bool) -> None:
    """Print the rate of each number of parsers for which the machine has enough cores."""
    first: float | None = None  # pages per second of each parser, with the fewest parsers
    for count in counts:
        cpus = CPUS_BESIDE_A_GPU if on_gpu else 1.0
        if count * cpus > (os.cpu_count() or 1):
            print(f"{count} parsers: left out, they need {count * cpus:.0f} cores")
            continue
        rates = pages_per_second(load, count, {**models, **_shares(count, cpus, on_gpu=on_gpu)})
        each = statistics.median(rates) / count
        first = first or each
        print(f"{count} parsers: {spread(rates)} pages/s; ratio to linear {each / first:.2f}", flush=True)


def pages_per_second(load: Load, parsers: int, env: Mapping[str, str]) -> list[float]:
    """Pages per second in each round, of a service whose `parsers` are all busy."""
    fixed = {"PARSER_MIN_REPLICAS": str(parsers), "PARSER_MAX_REPLICAS": str(parsers), "DO_OCR": "false"}
    with service(**fixed, **env) as url, DoclingParserClient(url) as client:
        _print_device(client)
        _parse(client, load.file, 2 * parsers)  # until every parser has had a call
        return [_parse(client, load.file, load.files_per_parser * parsers) for _ in range(load.rounds)]


def _print_device(client: DoclingParserClient) -> None:
    parser = client.health()["parser"]
    print(f"profile {parser['profile']}, models on {parser['device']}", flush=True)


def _parse(client: DoclingParserClient, file: Path, copies: int) -> float:
    started = time.perf_counter()
    jobs = [client.submit_job(file)["job_id"] for _ in range(copies)]
    assert all(client.wait_for_results(job)["failed"] == 0 for job in jobs)
    elapsed = time.perf_counter() - started
    return sum(client.job(job).status().progress.pages_done for job in jobs) / elapsed


def _shares(count: int, cpus: float, *, on_gpu: bool) -> dict[str, str]:
    gpu = {"PARSER_NUM_GPUS": str(10_000 // count / 10_000)} if on_gpu else {}  # Ray takes four decimals
    return {"PARSER_NUM_CPUS": str(cpus), **gpu}


@contextmanager
def _bundled_models() -> Iterator[dict[str, str]]:
    yield {"PROFILE": "bundled"}


@contextmanager
def _standard_models() -> Iterator[dict[str, str]]:
    """docling's models if they are on disk. Otherwise random ones, which show a shared GPU, but no speed."""
    from actors.parser.engine.profiles import standard_on_disk

    folder = Settings().docling_artifacts_path
    if (folder and standard_on_disk(Path(folder))) or standard_on_disk(None):
        yield {"PROFILE": "standard"}
        return
    print("docling's own models are not on disk (`make models`): a small random layout model stands in, without tables")
    with tempfile.TemporaryDirectory() as made:
        save_random_models(Path(made))
        yield {"PROFILE": "standard", "DOCLING_ARTIFACTS_PATH": made, "DO_TABLE_STRUCTURE": "false"}


def gpu_name() -> str | None:
    """The GPU that torch sees, if any."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


if __name__ == "__main__":
    sys.exit(main())

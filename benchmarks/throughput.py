"""Small files: the speed of the service compared with bare docling's. `python -m benchmarks.throughput`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

from benchmarks.service import describe_machine, service
from client import DoclingParserClient

ROUNDS = 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=Path("examples/documents"))
    files = sorted(path for path in options.parse_args().folder.iterdir() if _is_small(path))
    print(f"{len(files)} files, {ROUNDS} rounds; {describe_machine()}")
    one, two = bare(files, processes=1), bare(files, processes=2)
    print(f"bare docling, convert + markdown + JSON: 1 process {one:.1f} docs/s, 2 processes {two:.1f} docs/s")
    with service(PARSER_MIN_REPLICAS="2", PARSER_MAX_REPLICAS="2") as url:
        for files_per_job in (len(files), 1):
            rate = served(url, files, files_per_job)
            print(f"docfleet, 2 parsers, {files_per_job} file(s) a job: {rate:.1f} docs/s = {rate / two:.2f} of 2 bare")


def _is_small(path: Path) -> bool:
    """Office and web documents, which need no models."""
    return path.suffix in {".docx", ".html", ".md", ".pptx", ".xlsx"} and path.name != "README.md"


def bare(files: list[Path], processes: int) -> float:
    """Documents per second of warm converters in processes of their own."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1)
    workers = [context.Process(target=_convert, args=(files, barrier)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    return processes * ROUNDS * len(files) / (time.perf_counter() - started)


def _convert(files: list[Path], barrier: Any) -> None:
    import torch
    from docling.document_converter import DocumentConverter

    torch.set_num_threads(1)
    converter = DocumentConverter()
    for path in files:
        converter.convert(path)
    barrier.wait()
    for _ in range(ROUNDS):
        for path in files:
            document = converter.convert(path).document
            document.export_to_markdown()
            json.dumps(document.export_to_dict())


def served(url: str, files: list[Path], files_per_job: int) -> float:
    with DoclingParserClient(url) as client:
        client.submit_and_wait(*files * 4)  # until each parser has seen each file
        jobs = [files[i : i + files_per_job] for i in range(0, len(files), files_per_job)] * ROUNDS
        started = time.perf_counter()
        for job_id in [client.submit_job(*job)["job_id"] for job in jobs]:
            assert client.wait_for_results(job_id)["failed"] == 0
        return ROUNDS * len(files) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()

"""One long PDF: two one-core parsers side by side against one process with all cores.

`python -m benchmarks.large_pdf [FILE]`. Both use the bundled models without OCR.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from actors.messages import FileTask
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.service import describe_machine, service, spread
from client import DoclingParserClient
from client.models import ParseOptions

ROUNDS = 3
OPTIONS = ParseOptions(profile="bundled", do_ocr=False, do_table_structure=True, page_chunks=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/report.pdf"))
    file = options.parse_args().file
    print(describe_machine())
    alone = bare(file)
    print(f"the same engine in one process, all cores: {spread(alone)} s")
    with service(PARSER_MIN_REPLICAS="2", PARSER_MAX_REPLICAS="2", DO_OCR="false", PROFILE="bundled") as url:
        together = served(url, file)
    print(f"docfleet, 2 parsers of one core, submit to result: {spread(together)} s")
    print(f"ratio of the medians: {statistics.median(together) / statistics.median(alone):.2f}")


def bare(file: Path) -> list[float]:
    """The same engine in this process, with every core of the machine, on the whole file."""
    engine = docling_engine(ParserConfig(defaults=OPTIONS, num_cpus=os.cpu_count() or 1))
    engine.warm_up()
    document = np.frombuffer(file.read_bytes(), np.uint8)
    task = FileTask(job_id="j", index=0, filename=file.name, size=document.size, options=OPTIONS, metadata={})
    return _times(lambda: engine.open(document, task, split_above=1_000_000))


def served(url: str, file: Path) -> list[float]:
    with DoclingParserClient(url) as client:
        return _times(lambda: client.submit_and_wait(file))


def _times(call: Callable[[], object]) -> list[float]:
    call()  # loads the models
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    main()

"""How long a warm parser takes to cut a stored document into chunks.

python -m benchmarks.chunks CORPUS/redp5110_sampled.pdf
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from actors.derivations import Chunks
from actors.messages import FileTask, ParsedFile
from actors.parser.engine.device import Hardware
from actors.parser.engine.engine import Engine
from actors.tokenizer_files import DEFAULT_TOKENIZER
from client.models import ChunkOptions, ParseOptions

RUNS = 11


def parsed(engine: Engine, path: Path) -> ParsedFile:
    """The document, parsed once in one piece."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    task = FileTask(
        job_id="j", index=0, filename=path.name, size=data.nbytes, options=ParseOptions(do_ocr=False), metadata={}
    )
    file = engine.open(data, task, split_above=10_000)
    assert isinstance(file, ParsedFile)
    return file


def seconds(engine: Engine, document: bytes, options: ChunkOptions) -> list[tuple[float, float]]:
    """The wall time and the CPU time of each run but the first, which loads the tokenizer."""
    wanted = Chunks(job_id="j", folder="f", source="s", options=options)
    taken = []
    for _ in range(RUNS):
        start, cpu = time.perf_counter(), time.process_time()
        engine.derive(np.frombuffer(document, np.uint8), wanted)
        taken.append((time.perf_counter() - start, time.process_time() - cpu))
    return taken[1:]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("document", type=Path)
    path = arguments.parse_args().document
    engine = Engine(ParseOptions(profile="bundled"), Hardware(threads=1, device="cpu"))
    file = parsed(engine, path)
    for options in (
        ChunkOptions(max_tokens=256, tokenizer=DEFAULT_TOKENIZER),
        ChunkOptions(chunker="hierarchical", tokenizer=DEFAULT_TOKENIZER),
        ChunkOptions(chunker="page", tokenizer=DEFAULT_TOKENIZER),
    ):
        taken = seconds(engine, file.document, options)
        name = f"{options.chunker}, max_tokens {options.max_tokens}"
        wall, cpu = ([1000 * each for each in column] for column in zip(*taken, strict=True))
        print(f"{path.name}, {file.pages} pages, {name}")
        print(f"  wall p50 {statistics.median(wall):.0f} ms, min {min(wall):.0f} ms")
        print(f"  CPU p50 {statistics.median(cpu):.0f} ms, min {min(cpu):.0f} ms")


if __name__ == "__main__":
    main()

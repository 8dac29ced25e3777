"""Warm docling converters in processes of their own, which convert as fast as they can when they are told to."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


class BareDocling:
    """Converts each file to Markdown and JSON, `rounds` times in each process."""

    def __init__(self, pipes: Sequence[Connection], files: int) -> None:
        self._pipes = pipes
        self._files = files

    def documents_per_s(self, rounds: int) -> float:
        started = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(rounds)
        for pipe in self._pipes:
            pipe.recv()
        return len(self._pipes) * rounds * self._files / (time.perf_counter() - started)


@contextmanager
def bare_docling(files: Sequence[Path], processes: int) -> Iterator[BareDocling]:
    """Start the processes. They sleep between two measurements."""
    context = multiprocessing.get_context("spawn")
    pipes, started = [], []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        worker = context.Process(target=_convert, args=(files, theirs), daemon=True)
        worker.start()
        pipes.append(ours)
        started.append(worker)
    try:
        for pipe in pipes:
            pipe.recv()  # warm
        yield BareDocling(pipes, len(files))
    finally:
        for worker in started:
            worker.terminate()


def _convert(files: Sequence[Path], pipe: Any) -> None:
    import torch
    from docling.document_converter import DocumentConverter

    torch.set_num_threads(1)
    converter = DocumentConverter()
    rounds = 1
    while True:
        for _ in range(rounds):
            for path in files:
                document = converter.convert(path).document
                document.export_to_markdown()
                json.dumps(document.export_to_dict())
        pipe.send(None)
        rounds = pipe.recv()

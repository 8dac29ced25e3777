"""A parser that a test holds in the middle of a document.

A document is text: its number of pages, and at will the file that its second page waits for: `60` or `60 /tmp/gate`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from actors.documents import DocumentBytes
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from benchmarks.sleeping import SleepingEngine

GATED_PAGE = 2


class GatedEngine(SleepingEngine):
    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        pages, _ = _read(document)
        return super().open(np.frombuffer(pages, np.uint8), task, split_above=split_above)

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        _, gate = _read(document)
        while gate and GATED_PAGE in range(span.first, span.last + 1) and not Path(gate.decode()).exists():
            time.sleep(0.05)
        return super().parse_pages(document, task, span)


def _read(document: DocumentBytes) -> tuple[bytes, bytes]:
    pages, _, gate = document.tobytes().partition(b" ")
    return pages, gate

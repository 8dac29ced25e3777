"""A parser that only sleeps, so the rest of a run's time is the orchestration's.

A document is its page count as text, named .pdf. `python -m benchmarks.sleeping` serves it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

import numpy as np
import orjson

from actors.derivations import Derivation, Made
from actors.documents import DocumentBytes
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.nodes import Node, make_node
from actors.parser.parser import ParserConfig
from actors.questions import Answers
from client.models import PageFailure, ParseOptions, ParserInfo

SECONDS_PER_PAGE = 0.1


class SleepingEngine:
    """Satisfies `ParsingEngine`."""

    def __init__(self, config: ParserConfig) -> None:
        self._stop = threading.Event()
        self._progressed_at = 0.0, 0.0
        self._seconds_per_page = float(os.environ.get("SLEEP_PER_PAGE_S", SECONDS_PER_PAGE))

    def warm_up(self) -> None: ...

    def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        return ParserInfo(profile="native", docling="none")

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        pages = int(document.tobytes())
        if pages > split_above:
            return PagePlan(pages=PageSpan(1, pages))
        time.sleep(pages * self._seconds_per_page)
        return self._file(task, range(1, pages + 1), ())

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        self._stop.clear()
        for _ in range(len(span)):
            if self._stop.is_set():
                raise InterruptedError("the call was stopped")
            self._progressed_at = time.monotonic(), time.process_time()
            time.sleep(self._seconds_per_page)
        return Shard(span=span, payload=np.zeros(len(span) * 40_000, np.uint8))  # bytes, as many as real pages

    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile:
        return self._file(task, [page for s in shards for page in range(s.span.first, s.span.last + 1)], tuple(lost))

    def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        return parsed

    def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        return {wanted.target: source.tobytes()}

    def stop(self) -> None:
        self._stop.set()

    def progressed_at(self) -> tuple[float, float]:
        return self._progressed_at

    def check_health(self) -> None: ...

    def _file(self, task: FileTask, pages: Sequence[int], lost: tuple[PageFailure, ...]) -> ParsedFile:
        return ParsedFile(
            nodes=orjson.dumps([_node(task, page, len(pages)) for page in pages]),
            num_nodes=len(pages),
            document=b"{}",
            pages=len(pages) + len(lost),
            parser=self.describe(),
            lost=lost,
        )


def _node(task: FileTask, page: int, pages: int) -> Node:
    own = {"page_number": page, "total_pages": pages, "__keys": ["source", "page_number"]}
    return make_node(task, f"page {page}", own, page=page)


if __name__ == "__main__":
    import sys

    from benchmarks import sleeping  # by its real name: Ray's workers import the class from there
    from serve_app.__main__ import main

    sys.exit(main(sleeping.SleepingEngine))

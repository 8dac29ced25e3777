"""A parser that only sleeps. With the profile `vlm` it draws blank pages, which a remote model reads.

A document is text: its number of pages.
"""

from __future__ import annotations

import os
from dataclasses import replace

from actors.documents import DocumentBytes
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.questions import Questions
from benchmarks.sleeping import SleepingEngine
from tests.model_endpoint import BASE_WIDTH, SCALE, picture

ENDPOINT = "granite"
SPAN_PAGES = 4


class AskingEngine(SleepingEngine):
    """The prompt tells which process drew a page."""

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        if not _is_asked(task):
            return super().open(document, task, split_above=split_above)
        pages = PageSpan(1, int(document.tobytes()))
        return PagePlan(pages=pages, span_pages=SPAN_PAGES, pages_at_once=len(pages))

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        shard = super().parse_pages(document, task, span)
        if not _is_asked(task):
            return shard
        pictures = {page: picture((BASE_WIDTH + page) * SCALE, 100) for page in range(span.first, span.last + 1)}
        return replace(shard, questions=Questions(endpoint=ENDPOINT, prompt=str(os.getpid()), pictures=pictures))


def _is_asked(task: FileTask) -> bool:
    return (task.options.profile or "").startswith("vlm")

"""Parses a file that has questions for a remote model, as the dispatcher does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.questions import Questions
from actors.remote_models.models import RemoteModels
from client.models import ParseOptions

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine


class Reader:
    """Parses one file as the dispatcher does, in spans of so many pages."""

    def __init__(self, engine: Engine, remote: RemoteModels, data: bytes, filename: str = "pages.pdf") -> None:
        self._engine = engine
        self._remote = remote
        self._document = np.frombuffer(data, dtype=np.uint8)
        self._filename = filename
        self.shards: list[Shard] = []
        self.questions: Questions | None = None

    async def read(self, span_pages: int = 3, *, split_above: int = 1_000, **options: Any) -> ParsedFile:
        asked = ParseOptions(**{"profile": "vlm", **options})
        size = len(self._document)
        task = FileTask(job_id="j", index=0, filename=self._filename, size=size, options=asked, metadata={})
        plan = self._engine.open(self._document, task, split_above=split_above)
        if isinstance(plan, PagePlan):
            self.shards = [await self._read(task, span) for span in _spans(plan, span_pages)]
            plan = self._engine.assemble(self._document, task, self.shards[::-1], ())
        self.questions = plan.questions
        if plan.questions is None:
            return plan
        return self._engine.describe_pictures(plan, task, await self._remote.ask(task.job_id, plan.questions))

    async def _read(self, task: FileTask, span: PageSpan) -> Shard:
        shard = self._engine.parse_pages(self._document, task, span)
        return await self._remote.read(task.job_id, shard) if shard.questions else shard


def _spans(plan: PagePlan, size: int) -> list[PageSpan]:
    first, last = plan.pages.first, plan.pages.last
    return [PageSpan(page, min(page + size - 1, last)) for page in range(first, last + 1, size)]

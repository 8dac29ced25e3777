"""The nodes of the pages that are done, while the rest of the file is still being parsed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import orjson

from actors.dispatcher.ports import ShardRef
from actors.errors import DocfleetError, FleetUnavailable
from actors.messages import FileTask, PageSpan, ParsedFile
from actors.nodes import Node
from actors.telemetry.logs import get_logger

log = get_logger()

Assemble = Callable[[Sequence[ShardRef]], Awaitable[ParsedFile]]


class PartialAssembly:
    """The parsed spans of a file, and the nodes assembled from them. Assembles only when asked.

    Consecutive pages are assembled together, by the code that assembles the whole document. A paragraph that continues
    on a page that is not parsed yet ends where its pages end.
    """

    def __init__(self, total_pages: int) -> None:
        self.total_pages = total_pages
        self._shards: list[ShardRef] = []
        self._assembled: dict[PageSpan, list[Node]] = {}
        self._one_at_a_time = asyncio.Lock()  # callers at the same time share the first one's answer

    @property
    def pages_done(self) -> int:
        return sum(len(shard.span) - len(shard.lost) for shard in self._shards)

    def add(self, shard: ShardRef) -> None:
        self._shards.append(shard)

    async def nodes(self, task: FileTask, assemble: Assemble) -> list[Node]:
        """The nodes of the pages that are done, in order, with their final ids.

        Leaves out pages that cannot be assembled. Pages that broke a parser are not tried again until there are more.
        """
        if task.options.page_chunks is False:  # the only node is the whole document
            return []
        async with self._one_at_a_time:
            runs = {PageSpan(run[0].span.first, run[-1].span.last): run for run in runs_of(self._shards)}
            for span in [span for span in runs if span not in self._assembled]:
                with suppress(FleetUnavailable):  # the next caller tries again
                    self._assembled[span] = await self._nodes_of(runs[span], task, assemble)
            self._assembled = {span: self._assembled[span] for span in runs if span in self._assembled}
            return [node for nodes in self._assembled.values() for node in nodes]

    async def _nodes_of(self, run: Sequence[ShardRef], task: FileTask, assemble: Assemble) -> list[Node]:
        try:
            parsed = await assemble(run)
        except FleetUnavailable:
            raise
        except DocfleetError as error:  # a parser died, perhaps with the parsed pages: then they are parsed again
            log.warning("partial_assembly_failed", job=task.job_id, reason=error.message)
            return []
        nodes: list[Node] = await asyncio.to_thread(orjson.loads, parsed.nodes)
        return nodes


def runs_of(shards: Sequence[ShardRef]) -> list[list[ShardRef]]:
    """Group shards into runs of consecutive pages, in order."""
    runs: list[list[ShardRef]] = []
    for shard in sorted(shards, key=lambda shard: shard.span):
        if runs and runs[-1][-1].span.last + 1 == shard.span.first:
            runs[-1].append(shard)
        else:
            runs.append([shard])
    return runs

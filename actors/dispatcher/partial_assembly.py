"""The nodes of a file that is being parsed, for whoever cannot wait for the rest of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import orjson

from actors.dispatcher.ports import ShardRef
from actors.errors import DocfleetError, FleetUnavailable
from actors.messages import FileTask, PageSpan, ParsedFile
from actors.nodes import Node, rebuild_node
from actors.telemetry.logs import get_logger

log = get_logger()

Assemble = Callable[[Sequence[ShardRef]], Awaitable[ParsedFile]]


class PartialAssembly:
    """The parsed spans of a file, and what was assembled of them. Costs nothing until somebody asks.

    Pages that follow each other are assembled together, by the code that assembles the document in the end: a
    paragraph that runs over them is whole, and one that goes on in a page that is not there yet stops.
    """

    def __init__(self, total_pages: int) -> None:
        self.total_pages = total_pages
        self._shards: list[ShardRef] = []
        self._assembled: dict[PageSpan, list[Node]] = {}
        self._one_at_a_time = asyncio.Lock()  # many may ask at once; the first one's answer serves them all

    @property
    def pages_done(self) -> int:
        return sum(len(shard.span) - len(shard.lost) for shard in self._shards)

    def add(self, shard: ShardRef) -> None:
        self._shards.append(shard)

    async def nodes(self, task: FileTask, assemble: Assemble) -> list[Node]:
        """The nodes of the pages that are done, in order, with the ids that they will have in the end.

        Of pages that cannot be assembled there are none. What broke a parser is tried again with more pages only, not
        for everybody who asks.
        """
        if task.options.page_chunks is False:  # one node for the document, which is not there yet
            return []
        async with self._one_at_a_time:
            runs = {PageSpan(run[0].span.first, run[-1].span.last): run for run in runs_of(self._shards)}
            for span in [span for span in runs if span not in self._assembled]:
                with suppress(FleetUnavailable):  # at this moment
                    self._assembled[span] = await self._nodes_of(runs[span], task, assemble)
            self._assembled = {span: self._assembled[span] for span in runs if span in self._assembled}
            return [node for nodes in self._assembled.values() for node in nodes]

    async def _nodes_of(self, run: Sequence[ShardRef], task: FileTask, assemble: Assemble) -> list[Node]:
        try:
            parsed = await assemble(run)
        except FleetUnavailable:
            raise
        except DocfleetError as error:  # a parser died, or the pages with it: then they are parsed again
            log.warning("partial_assembly_failed", job=task.job_id, reason=error.message)
            return []
        return await asyncio.to_thread(self._of_the_whole, parsed.nodes, task)

    def _of_the_whole(self, nodes: bytes, task: FileTask) -> list[Node]:
        """The nodes of some pages, as nodes of a document of all its pages."""
        return [rebuild_node(task, node, total_pages=self.total_pages) for node in orjson.loads(nodes)]


def runs_of(shards: Sequence[ShardRef]) -> list[list[ShardRef]]:
    """Parts whose pages follow each other, together and in order."""
    runs: list[list[ShardRef]] = []
    for shard in sorted(shards, key=lambda shard: shard.span):
        if runs and runs[-1][-1].span.last + 1 == shard.span.first:
            runs[-1].append(shard)
        else:
            runs.append([shard])
    return runs

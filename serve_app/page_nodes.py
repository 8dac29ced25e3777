"""Selects the nodes of some pages from a stored ParseResponse while it is read, one node in memory at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson

from actors.messages import PageSpan
from actors.stored_nodes import NodeSplitter


class PageSelection:
    """`num_nodes` is the number of nodes that were selected, of all responses."""

    def __init__(self, pages: PageSpan) -> None:
        self._pages = pages
        self.num_nodes = 0

    async def of(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The response whose JSON is `pieces`, with the selected nodes and their number. Threads do the work."""
        splitter = NodeSplitter()
        before = self.num_nodes
        async for piece in pieces:
            nodes = await asyncio.to_thread(self._selected, splitter, piece)
            yield splitter.take_head()
            for node in nodes:
                yield node if self.num_nodes == before else b"," + node
                self.num_nodes += 1
        rest = orjson.loads(b"{" + splitter.rest.removeprefix(b","))
        yield b"]," + orjson.dumps(rest | {"num_nodes": self.num_nodes - before})[1:]

    def _selected(self, splitter: NodeSplitter, piece: bytes) -> list[bytes]:
        return [node for node in splitter.feed(piece) if self._is_selected(orjson.loads(node))]

    def _is_selected(self, node: dict[str, dict[str, object]]) -> bool:
        number = node["metadata"].get("page_number")  # without pages, this can be the client's own metadata
        return isinstance(number, int) and self._pages.first <= number <= self._pages.last

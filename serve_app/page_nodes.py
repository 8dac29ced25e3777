"""Selects the nodes of some pages from a stored ParseResponse while it is read, one node in memory at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import orjson

from actors.messages import PageSpan

_NODES = b'"nodes":['
_STRUCTURE = re.compile(rb'["{}\]]')
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class PageSelection:
    """`num_nodes` is the number of nodes that were selected, of all responses."""

    def __init__(self, pages: PageSpan) -> None:
        self._pages = pages
        self.num_nodes = 0

    async def of(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The response whose JSON is `pieces`, with the selected nodes and their number. Threads do the work."""
        splitter = _Splitter()
        before = self.num_nodes
        async for piece in pieces:
            nodes = await asyncio.to_thread(self._selected, splitter, piece)
            yield splitter.take_head()
            for node in nodes:
                yield node if self.num_nodes == before else b"," + node
                self.num_nodes += 1
        rest = orjson.loads(b"{" + splitter.rest.removeprefix(b","))
        yield b"]," + orjson.dumps(rest | {"num_nodes": self.num_nodes - before})[1:]

    def _selected(self, splitter: _Splitter, piece: bytes) -> list[bytes]:
        return [node for node in splitter.feed(piece) if self._is_selected(orjson.loads(node))]

    def _is_selected(self, node: dict[str, dict[str, object]]) -> bool:
        number = node["metadata"].get("page_number")  # without pages, this can be the client's own metadata
        return isinstance(number, int) and self._pages.first <= number <= self._pages.last


class _Splitter:
    """Splits the JSON of a ParseResponse into what is before its nodes, the nodes, and the `rest` after them."""

    def __init__(self) -> None:
        self.rest = bytearray()  # what is not yet split; bytes would be copied for each piece of a large node
        self._head = b""
        self._at = 0  # where to look on in `rest`
        self._start = 0  # of the unfinished node
        self._depth = 0
        self._in_string = False
        self._in_nodes = False
        self._has_ended = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The nodes that end in `piece`."""
        self.rest += piece
        if not self._in_nodes and not self._has_ended:
            self._find_nodes()
        if self._in_nodes:
            yield from self._split()

    def take_head(self) -> bytes:
        """What is before the nodes, once."""
        head, self._head = self._head, b""
        return head

    def _find_nodes(self) -> None:
        found = self.rest.find(_NODES)  # no string before the nodes can contain this: its quotes would be escaped
        if found >= 0:
            end = found + len(_NODES)
            self._head = bytes(self.rest[:end])
            del self.rest[:end]
            self._in_nodes = True

    def _split(self) -> Iterator[bytes]:
        while self._in_nodes and (token := self._next_token()):
            if token == b"{":
                self._start = self._start if self._depth else self._at - 1
                self._depth += 1
            elif token == b"}":
                self._depth -= 1
                if not self._depth:
                    yield bytes(self.rest[self._start : self._at])
            elif not self._depth:  # the end of the nodes
                self._in_nodes, self._has_ended = False, True
        self._drop(self._start if self._depth else self._at)

    def _next_token(self) -> bytes | None:
        """The next brace or closing bracket that is not in a string; None at the end of what was read."""
        while not self._in_string or self._leave_string():
            found = _STRUCTURE.search(self.rest, self._at)
            self._at = found.end() if found else len(self.rest)
            if not found or found[0] != b'"':
                return found and found[0]
            self._in_string = True
        return None

    def _leave_string(self) -> bool:
        """Whether the string ends in what was read. A backslash at the end waits for the character after it."""
        found = _STRING.match(self.rest, self._at)
        self._at = found.end() if found else self._at
        self._in_string = self.rest[self._at : self._at + 1] != b'"'
        self._at += not self._in_string
        return not self._in_string

    def _drop(self, count: int) -> None:
        del self.rest[:count]
        self._at -= count
        self._start = 0

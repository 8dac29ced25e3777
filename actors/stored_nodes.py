"""Reads the nodes of a stored ParseResponse while it comes in pieces, with one node in memory at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

_NODES = b'"nodes":['
_STRUCTURE = re.compile(rb'["{}\]]')
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


async def nodes_in(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The nodes of the response whose JSON is `pieces`, each as JSON. Threads do the work."""
    splitter = NodeSplitter()
    async for piece in pieces:
        for node in await asyncio.to_thread(list, splitter.feed(piece)):
            yield node


class NodeSplitter:
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

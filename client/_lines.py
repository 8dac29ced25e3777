"""Reading JSON lines of results that never change: where to go on after a broken response, and when to give up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx

from client._retry import Flow
from client._waiting import JsonDict
from client.errors import ConnectionFailed, UnexpectedAnswer


class Lines:
    """Reads each line once, over as many responses as necessary.

    `request` makes the flow that requests all lines. Until `ended`, the caller drives `attach()`, passes the blocks of
    the response to `take` and then calls `finish`, or reports to `broke_off` that the response ended too early.
    """

    def __init__(self, request: Callable[[], Flow[httpx.Response]]) -> None:
        self.ended: bool = False
        self._request = request
        self._read = 0  # lines of all responses
        self._seen = 0  # lines of this response
        self._read_before = -1
        self._rest = b""

    def attach(self) -> Flow[httpx.Response]:
        """Request the lines from the first one on."""
        self._read_before, self._seen, self._rest = self._read, 0, b""
        return (yield from self._request())

    def take(self, block: bytes) -> Iterator[JsonDict]:
        """The lines that end in a block and were not read before."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            self._seen += 1
            if self._seen > self._read:
                self._read += 1
                yield _decoded(line)

    def finish(self) -> None:
        self.ended = True

    def broke_off(self, error: httpx.RequestError) -> None:
        """Note that a response failed. Raises `ConnectionFailed` when it brought no new line."""
        if self._read == self._read_before:
            raise ConnectionFailed(f"the results broke off after {self._read} lines: {error}") from error


def _decoded(line: bytes) -> JsonDict:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise UnexpectedAnswer("the server did not answer with JSON lines") from error
    if not isinstance(found, dict):
        raise UnexpectedAnswer("the server did not answer with an object on each line")
    return found

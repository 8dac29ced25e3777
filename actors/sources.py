"""What the ingress, the dispatcher and the fetcher hand each other about files that are fetched from URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to fetch a file. The headers are secrets, and the URL may hold one, so neither is in the repr.

    `is_named`: the client gave the file's name; otherwise the server of the URL may give it another one.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A fetched file. `suggested` is the name in its Content-Disposition, `last_part` the last part of its URL's path,
    after redirects; "" when there is none."""

    size: int
    sha256: str
    content_type: str = ""
    suggested: str = ""
    last_part: str = ""


class Sink(Protocol):
    async def write(self, chunk: bytes) -> None: ...


#: Opens a place for a file's bytes. When its context ends with an error, what was written is dropped.
NewSink: TypeAlias = Callable[[], AbstractAsyncContextManager[Sink]]

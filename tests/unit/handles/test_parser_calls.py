"""A dispatcher's calls to parsers. A fake stands in for their deployment: no Ray runs."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from actors.handles.parsers import ParserHandle
from actors.messages import FileTask, PageSpan, Shard
from client.models import PageFailure, ParseOptions

TASK = FileTask(job_id="job", index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})
LOST = (PageFailure(page_number=2, reason="unreadable"),)


class Reference:
    """Reads the object store again each time it is awaited."""

    def __init__(self, read: Callable[[], Shard]) -> None:
        self._read = read

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return self._read()


async def test_a_parsed_span_keeps_the_reference_of_its_pages_and_none_of_their_bytes() -> None:
    payloads: list[weakref.ref[Any]] = []

    def read() -> Shard:
        payload = np.zeros(8, np.uint8)
        payloads.append(weakref.ref(payload))
        return Shard(span=PageSpan(1, 3), payload=payload, lost=LOST)

    async def to_reference() -> Reference:
        return reference

    reference = Reference(read)
    response = SimpleNamespace(_to_object_ref=to_reference)
    handle: Any = SimpleNamespace(parse_pages=SimpleNamespace(remote=lambda *_: response))
    handle.options = lambda **_: handle
    handle.deployment_id = SimpleNamespace(app_name="docfleet")
    part = await ParserHandle(handle).parse_pages(None, TASK, PageSpan(1, 3))
    gc.collect()
    assert (part.ref, part.span, part.lost) == (reference, PageSpan(1, 3), LOST)
    assert [payload() for payload in payloads] == [None]

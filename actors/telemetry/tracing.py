"""Where a piece of work belongs in its caller's trace: W3C trace context, and a span for each step where one exports.

Without an exporter `span` hands its parent on and does nothing else, and OpenTelemetry is not even imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

Attributes = Mapping[str, str | int]
NONE: Attributes = {}
SpanMaker = Callable[[str, str, Attributes], AbstractContextManager[str]]

_VERSION_0 = re.compile(r"00-([0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})")
_LATER = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def accepted(headers: Sequence[str]) -> str:
    """The `traceparent` among a request's headers, as version 0 writes it; "" when there is no valid one.

    As W3C Trace Context asks, one that is malformed or sent twice is as good as none, and of a later version what
    this one knows is read.
    """
    header = headers[0].strip(" \t") if len(headers) == 1 else ""
    found = _VERSION_0.fullmatch(header) or (None if header.startswith("00") else _LATER.fullmatch(header))
    if found is None:
        return ""
    trace, span, flags = found[1].split("-")
    return "" if trace == _NO_TRACE or span == _NO_SPAN else f"00-{trace}-{span}-{flags}"


def trace_id(traceparent: str) -> str:
    """What a trace is looked up by; "" when there is none."""
    return traceparent[3:35]


def span(name: str, parent: str, attributes: Attributes = NONE) -> AbstractContextManager[str]:
    """A step of work, as a child of `parent` (a traceparent or ""); gives the traceparent of what belongs to it."""
    return _make(name, parent, attributes)


def _unrecorded(name: str, parent: str, attributes: Attributes) -> AbstractContextManager[str]:
    return nullcontext(parent)


_make: SpanMaker = _unrecorded


def trace_with(make: SpanMaker | None) -> None:
    """From now on this process' spans are made by `make`; None: by nobody."""
    global _make
    _make = make or _unrecorded

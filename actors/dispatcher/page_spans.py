"""Divides pages into spans: pure arithmetic over page numbers. A span is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from actors.messages import PageSpan

MIN_PAGES = 4  # below this, opening the file costs more than parallel parsing gains
MAX_PAGES = 16  # above this, a crash or a cancel throws away too much work
PAGES_WANTED = 6  # worth a call, and short enough that small documents do not wait long for it
MAX_ROUNDS = 4  # enough that a slow span does not leave the other slots idle


def plan_spans(pages: PageSpan, *, slots: int, size: int | None = None) -> Iterator[PageSpan]:
    """Cut `pages` into spans for `slots` parsers working side by side; `size` fixes the pages per span.

    The number of spans is a multiple of `slots` where the page count allows it, and their sizes differ by one at
    most, so that all slots finish together.
    """
    total = len(pages)
    if size is not None:
        return _cut(pages, size, longer=0)
    rounds = min(MAX_ROUNDS, max(1, round(total / (slots * PAGES_WANTED))))
    rounds = max(rounds, -(-total // (slots * MAX_PAGES)))
    return _cut_evenly(pages, min(slots * rounds, -(-total // MIN_PAGES)))


def bisect(span: PageSpan) -> tuple[PageSpan, PageSpan]:
    """The two halves of a span of at least two pages."""
    first, second = _cut_evenly(span, 2)
    return first, second


def _cut_evenly(pages: PageSpan, count: int) -> Iterator[PageSpan]:
    size, longer = divmod(len(pages), count)
    return _cut(pages, size, longer)


def _cut(pages: PageSpan, size: int, longer: int) -> Iterator[PageSpan]:
    """Spans of `size` pages, of which the first `longer` ones have a page more."""
    first = pages.first
    while first <= pages.last:
        last = min(first + size - (0 if longer > 0 else 1), pages.last)
        yield PageSpan(first, last)
        first, longer = last + 1, longer - 1

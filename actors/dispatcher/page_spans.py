"""Divides pages into spans: pure arithmetic over page numbers. A span is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from actors.messages import PageSpan

MIN_PAGES = 4  # below this, opening the file costs more than parallel parsing gains
MAX_PAGES = 16  # above this, a crash or a cancel throws away too much work
PAGES_WANTED = 6  # worth a call, and short enough that small documents do not wait long for it
MAX_ROUNDS = 4  # enough that a slow span does not leave the other slots idle
LAST_PAGES = 2  # the smallest of the last spans: with single pages, the calls would cost more than is gained

#: About how long a span of a long document takes, in seconds. A job that comes meanwhile waits for one or two spans.
SPAN_S = 0.4


class Pace:
    """How fast the pages of a document are parsed, and so how many of them are a span."""

    def __init__(self) -> None:
        self._pages, self._seconds = 0, 0.0

    def took(self, pages: int, seconds: float) -> None:
        """A parser took `seconds` for so many pages."""
        self._pages += pages
        self._seconds += seconds

    @property
    def span_pages(self) -> int:
        """The pages of the next span. The first spans are small: their time tells the size of the others."""
        if not self._seconds:
            return PAGES_WANTED
        return min(MAX_PAGES, max(PAGES_WANTED, round(SPAN_S * self._pages / self._seconds)))


def plan_spans(pages: PageSpan, *, slots: int, size: int | None = None, pace: Pace | None = None) -> Iterator[PageSpan]:
    """Cut `pages` into spans for `slots` parsers working side by side; `size` fixes the pages per span.

    Up to MAX_ROUNDS rounds of all slots, the number of spans is a multiple of `slots` where the page count allows it,
    and their sizes differ by one at most, so that all slots finish together. The spans of a longer document are as
    large as `pace` says when they are asked for. Those of its end become smaller, each at most its slot's share of half
    of the pages that are left. So no slot begins a large span when the others have almost finished.
    """
    total = len(pages)
    if size is not None:
        return _cut(pages, size, longer=0)
    rounds = max(1, round(total / (slots * PAGES_WANTED)))
    if rounds > MAX_ROUNDS:
        return _cut_by_pace(pages, slots, pace or Pace())
    return _cut_evenly(pages, min(slots * rounds, -(-total // MIN_PAGES)))


def bisect(span: PageSpan) -> tuple[PageSpan, PageSpan]:
    """The two halves of a span of at least two pages."""
    first, second = _cut_evenly(span, 2)
    return first, second


def _cut_evenly(pages: PageSpan, count: int) -> Iterator[PageSpan]:
    size, longer = divmod(len(pages), count)
    return _cut(pages, size, longer)


def _cut_by_pace(pages: PageSpan, slots: int, pace: Pace) -> Iterator[PageSpan]:
    first = pages.first
    while first <= pages.last:
        share = -(-(pages.last - first + 1) // (2 * slots))
        last = min(first + min(pace.span_pages, max(LAST_PAGES, share)) - 1, pages.last)
        yield PageSpan(first, last)
        first = last + 1


def _cut(pages: PageSpan, size: int, longer: int) -> Iterator[PageSpan]:
    """Spans of `size` pages, of which the first `longer` ones have a page more."""
    first = pages.first
    while first <= pages.last:
        last = min(first + size - (0 if longer > 0 else 1), pages.last)
        yield PageSpan(first, last)
        first, longer = last + 1, longer - 1

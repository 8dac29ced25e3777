"""Divides pages into spans: pure arithmetic over page numbers."""

from __future__ import annotations

from actors.messages import PageSpan

MIN_PAGES = 4  # below this, opening the file costs more than parallel parsing gains
MAX_PAGES = 16  # above this, a crash or a cancel throws away too much work
PAGES_WANTED = 6  # worth a call, and short enough that small documents do not wait long for it
MAX_ROUNDS = 4  # enough that a slow span does not leave the other slots idle


def plan_spans(pages: PageSpan, *, slots: int, size: int | None = None) -> tuple[PageSpan, ...]:
    """Cut `pages` into spans for `slots` parsers working side by side; `size` fixes the pages per span.

    The number of spans is a multiple of `slots` where the page count allows it, and their sizes differ by one at
    most, so that all slots finish together.
    """
    total = len(pages)
    if size is not None:
        count = -(-total // size)
        return tuple(
            PageSpan(pages.first + i * size, min(pages.first + (i + 1) * size - 1, pages.last)) for i in range(count)
        )
    rounds = min(MAX_ROUNDS, max(1, round(total / (slots * PAGES_WANTED))))
    rounds = max(rounds, -(-total // (slots * MAX_PAGES)))
    return _cut_evenly(pages, min(slots * rounds, -(-total // MIN_PAGES)))


def bisect(span: PageSpan) -> tuple[PageSpan, PageSpan]:
    """The two halves of a span of at least two pages."""
    first, second = _cut_evenly(span, 2)
    return first, second


def _cut_evenly(pages: PageSpan, count: int) -> tuple[PageSpan, ...]:
    size, longer = divmod(len(pages), count)
    spans: list[PageSpan] = []
    first = pages.first
    for i in range(count):
        last = first + size - 1 + (1 if i < longer else 0)
        spans.append(PageSpan(first, last))
        first = last + 1
    return tuple(spans)

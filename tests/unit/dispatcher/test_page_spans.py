from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.dispatcher.page_spans import (
    LAST_PAGES,
    MAX_PAGES,
    MAX_ROUNDS,
    MIN_PAGES,
    PAGES_WANTED,
    Pace,
    bisect,
    plan_spans,
)
from actors.messages import PageSpan

page_ranges = st.builds(
    lambda first, count: PageSpan(first, first + count - 1), st.integers(1, 500), st.integers(1, 3000)
)


def pages_of(spans: tuple[PageSpan, ...]) -> list[int]:
    return [page for span in spans for page in range(span.first, span.last + 1)]


@given(page_ranges, st.integers(1, 64), st.none() | st.integers(1, 20))
def test_every_page_is_in_exactly_one_span_and_in_order(pages: PageSpan, slots: int, size: int | None) -> None:
    spans = tuple(plan_spans(pages, slots=slots, size=size))
    assert pages_of(spans) == list(range(pages.first, pages.last + 1))


@given(st.integers(1, 500), st.integers(1, 64), st.integers(1, 64 * MAX_ROUNDS * PAGES_WANTED))
def test_adaptive_spans_differ_by_one_page_at_most_and_stay_within_bounds(first: int, slots: int, count: int) -> None:
    pages = PageSpan(first, first + min(count, slots * MAX_ROUNDS * PAGES_WANTED) - 1)
    sizes = [len(span) for span in plan_spans(pages, slots=slots)]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= MAX_PAGES
    assert min(sizes) >= min(MIN_PAGES // 2, len(pages))


@pytest.mark.parametrize(
    ("seconds_of_a_page", "size"), [(0.001, MAX_PAGES), (0.03, 13), (0.1, PAGES_WANTED), (5, PAGES_WANTED)]
)
def test_the_spans_of_a_long_document_begin_small_and_then_take_less_than_half_a_second(
    seconds_of_a_page: float, size: int
) -> None:
    pace = Pace()
    spans = plan_spans(PageSpan(1, 1_000), slots=2, pace=pace)
    first, second = next(spans), next(spans)
    assert (first, second) == (PageSpan(1, PAGES_WANTED), PageSpan(PAGES_WANTED + 1, 2 * PAGES_WANTED))
    pace.took(len(first), seconds_of_a_page * len(first))
    assert next(spans) == PageSpan(second.last + 1, second.last + size)


@given(st.integers(2, 64), st.integers(1, 2_000), st.floats(0.001, 5))
def test_a_long_document_ends_in_spans_that_are_small_beside_what_is_left(
    slots: int, more: int, seconds_of_a_page: float
) -> None:
    pages, pace = PageSpan(1, (MAX_ROUNDS + 1) * PAGES_WANTED * slots + more), Pace()
    pace.took(1, seconds_of_a_page)
    spans = list(plan_spans(pages, slots=slots, pace=pace))
    for span in spans:
        left_for_a_slot = (pages.last - span.first + 1) / slots
        assert len(span) <= max(LAST_PAGES, left_for_a_slot / 2 + 1)
    assert all(len(later) <= len(span) for span, later in pairwise(spans))


def test_one_slow_span_among_many_does_not_make_the_next_ones_small() -> None:
    pace = Pace()
    for seconds in [0.1] * 50 + [1.0]:
        pace.took(8, seconds)
    assert pace.span_pages > PAGES_WANTED


def test_four_hundred_pages_on_32_parsers_fill_whole_rounds() -> None:
    spans = tuple(plan_spans(PageSpan(1, 400), slots=32))
    assert len(spans) % 32 == 0


def test_a_fixed_size_is_kept_but_for_the_last_span() -> None:
    assert tuple(plan_spans(PageSpan(3, 9), slots=4, size=3)) == (PageSpan(3, 5), PageSpan(6, 8), PageSpan(9, 9))


@given(page_ranges.filter(lambda pages: len(pages) > 1))
def test_halves_are_not_empty_and_hold_all_pages(pages: PageSpan) -> None:
    first, second = bisect(pages)
    assert pages_of((first, second)) == list(range(pages.first, pages.last + 1))
    assert len(first) - len(second) in (0, 1)

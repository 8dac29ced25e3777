from hypothesis import given
from hypothesis import strategies as st

from actors.dispatcher.page_spans import MAX_PAGES, MIN_PAGES, bisect, plan_spans
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


@given(page_ranges, st.integers(1, 64))
def test_adaptive_spans_differ_by_one_page_at_most_and_stay_within_bounds(pages: PageSpan, slots: int) -> None:
    sizes = [len(span) for span in plan_spans(pages, slots=slots)]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= MAX_PAGES
    assert min(sizes) >= min(MIN_PAGES // 2, len(pages))


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

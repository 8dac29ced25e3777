"""A conversion that nobody waits for any more ends at its next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from actors.messages import PageSpan
from client.models import ParseOptions
from tests.unit.parser.files import as_document, make_pdf, make_task, parsed

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page

    from actors.parser.engine.engine import Engine

PAGES = 12
#: Pages that a stage may have begun when the request comes: docling takes them one by one.
UNDER_WAY = 1

StopAtFirst = Callable[[Any, str], list[int]]


@pytest.fixture
def stop_at_first(engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> StopAtFirst:
    """Makes a method of a page stop the engine when it is called first. Returns the pages that it was called for."""

    def install(owner: Any, name: str) -> list[int]:
        taken: list[int] = []
        method = getattr(owner, name)

        def call(self: Any, result: Any, page: Page) -> Any:
            taken.append(page.page_no)
            engines[0].stop()
            return method(self, result, page)

        monkeypatch.setattr(owner, name, call)
        return taken

    return install


@pytest.mark.models
def test_a_stopped_conversion_takes_no_further_page_and_has_no_result(
    engines: list[Engine], stop_at_first: StopAtFirst
) -> None:
    from actors.parser.engine.stages import Layout
    from actors.parser.engine.stopping import Stopped

    taken = stop_at_first(Layout, "take")
    document, task = as_document(make_pdf(PAGES)), make_task()
    with pytest.raises(Stopped):
        engines[0].parse_pages(document, task, PageSpan(1, PAGES))
    assert len(taken) == UNDER_WAY


@pytest.mark.models
def test_a_stage_takes_no_page_once_an_earlier_page_was_stopped_in_a_later_one(
    engines: list[Engine], stop_at_first: StopAtFirst
) -> None:
    from actors.parser.engine.stages import Regions
    from actors.parser.engine.stopping import Stopped

    taken = stop_at_first(Regions, "take")
    with pytest.raises(Stopped):
        engines[0].open(as_document(make_pdf(PAGES)), make_task(), split_above=PAGES)
    assert len(taken) == UNDER_WAY


@pytest.mark.models
def test_a_document_after_a_stopped_one_is_parsed_whole(engines: list[Engine]) -> None:
    engines[0].stop()
    assert parsed(engines[0], "file.pdf", make_pdf(3)).num_nodes == 3


def test_pages_that_need_no_model_are_not_read_either(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from docling.pipeline.native_pdf_pipeline import NativePdfPipeline

    from actors.parser.engine.stopping import Stopped

    read: list[int] = []

    def read_page(self: Any, timings: Any, result: Any, page: Any) -> None:
        read.append(page.page_no)
        engine.stop()

    monkeypatch.setattr(NativePdfPipeline, "_parse_page", read_page)
    options = ParseOptions(profile="native").model_dump(exclude_none=True)
    with pytest.raises(Stopped):
        engine.parse_pages(as_document(make_pdf(PAGES)), make_task(**options), PageSpan(1, PAGES))
    assert len(read) == UNDER_WAY

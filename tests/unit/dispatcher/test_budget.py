"""What one file may cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.dispatcher.budget import MIB, Budget
from actors.messages import FileTask
from client.models import ParseOptions


def task(filename: str, size: int) -> FileTask:
    return FileTask(job_id="job", index=0, filename=filename, size=size, options=ParseOptions(), metadata={})


@pytest.mark.parametrize(
    ("filename", "size", "split_above", "seconds"),
    [
        pytest.param("a.csv", 100, 7, 7.6, id="a tiny text"),
        pytest.param("a.html", MIB, 7, 727.5, id="a large text"),
        pytest.param("a.md", 5 * MIB, 7, 1680.0, id="a large text has less time for each byte"),
        pytest.param("a.docx", 100, 7, 7.8, id="a tiny archive"),
        pytest.param("a.docx", 40_000, 7, 144.8, id="an archive holds more than its size"),
        pytest.param("a.ods", 40_000, 7, 282.2, id="an OpenDocument sheet holds many cells"),
        pytest.param("a.doc", 100, 7, 60.1, id="LibreOffice has to start"),
        pytest.param("a.pdf", 600, 7, 60.0, id="a tiny PDF has the time of one page"),
        pytest.param("a.pdf", 40_000, 7, 180.0, id="a PDF has the time of the pages that its bytes may hold"),
        pytest.param("a.pdf", 100 * MIB, 7, 420.0, id="but not of more than are parsed with it"),
        pytest.param("a.pdf", 100 * MIB, 0, 60.0, id="to plan a PDF takes no more than a page"),
        pytest.param("a.png", 600, 16, 60.0, id="a picture is a page"),
        pytest.param("a.unknown", 100, 7, 60.0, id="an unknown suffix: the content may be a PDF"),
    ],
)
def test_the_time_to_open_a_file_follows_from_its_kind_and_size(
    filename: str, size: int, split_above: int, seconds: float
) -> None:
    assert round(Budget().opening_s(task(filename, size), split_above), 1) == seconds


def test_all_times_follow_the_time_of_a_page() -> None:
    budget = Budget(page_deadline_s=2.0)
    assert budget.opening_s(task("a.csv", 0), 7) == 0.25
    assert budget.pages_s(task("a.pdf", 0), 4) == 8.0
    assert budget.assembly_s(task("a.pdf", 600), 400) == 10.0


@pytest.mark.parametrize("option", ["do_code_enrichment", "do_formula_enrichment"])
def test_page_whose_code_or_formulas_a_model_writes_anew_has_more_time(option: str) -> None:
    asked = replace(task("a.pdf", 40_000), options=ParseOptions.model_validate({option: True}))
    assert Budget().pages_s(asked, 2) == 600.0
    assert Budget().whole_s(asked, 2) == 600.0


@pytest.mark.parametrize(("size", "most"), [(0, 64 * MIB), (MIB, 200 * MIB), (1024 * MIB, 1024 * MIB)])
def test_a_result_may_be_two_hundred_times_its_file_between_a_floor_and_a_ceiling(size: int, most: int) -> None:
    assert Budget().result_bytes(size) == most
    assert Budget(max_result_bytes=5).result_bytes(size) == 5

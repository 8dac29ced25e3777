"""Parsers that are replaced after some pages, while they are needed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import running
from tests.faults.test_bad_pages import ended, submit
from tests.faults.test_churn import PARTS


@pytest.mark.slow
def test_no_page_is_lost_when_parsers_are_replaced(short_folder: Path) -> None:
    with running(short_folder / "recycling", PARSER_MAX_PAGES="40", SLEEP_PER_PAGE_S="0.2") as service:
        used = set(service.pids(PARTS["parser"]))
        first = set(used)
        with httpx.Client(base_url=service.url, timeout=60) as http:
            jobs = [submit(http, "20") for _ in range(20)]
            for job in jobs:
                progress = ended(http, job)["progress"]
                assert (progress["pages_done"], progress["pages_failed"]) == (20, 0)
                used |= set(service.pids(PARTS["parser"]))
    print(f"400 pages in {len(used)} parser processes")
    assert used > first

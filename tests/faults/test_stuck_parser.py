"""A service with one parser, which somebody's file occupies."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.faults.conftest import running
from tests.faults.test_bad_pages import submit
from tests.faults.test_budget import entry


def test_files_that_occupy_the_only_parser_do_not_keep_another_caller_waiting_for_their_end(short_folder: Path) -> None:
    one = {"PARSER_MIN_REPLICAS": "1", "PARSER_MAX_REPLICAS": "1", "PAGE_DEADLINE_S": "600"}
    with running(short_folder / "stuck", **one) as service, httpx.Client(base_url=service.url, timeout=60) as http:
        hangs = [("files", (f"{number}.pdf", b"1 hang@1")) for number in range(3)]  # more than the parser has slots
        hostile = http.post("/submit", files=hangs).json()["job_id"]
        for _ in range(2):
            began = time.monotonic()
            assert entry(http, submit(http, "1"))["success"]
            print(f"beside an occupied parser, a tiny file was done after {time.monotonic() - began:.1f} s")
        assert http.get(f"/jobs/{hostile}").json()["status"] == "processing"

"""Partial results of a job while parsers work on it."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.unit.parser.files import make_pdf
from tests.waiting import eventually


def test_pages_that_are_done_can_be_read_while_the_others_are_parsed(http: httpx.Client) -> None:
    options = {"options": json.dumps({"do_ocr": False}), "metadata": '{"case": 7}'}
    job = http.post("/submit", files={"files": ("long.pdf", make_pdf(16))}, data=options).json()["job_id"]

    def part_with_nodes() -> dict[str, Any] | None:
        answer = http.get(f"/jobs/{job}/results", params={"partial": "true"}).json()
        assert answer["results"] is None, "the job ended before a page could be read"
        return next((file for file in answer["partial"]["files"] if file["nodes"]), None)

    part = eventually(part_with_nodes, within_s=60, what="a page is done")
    assert part
    assert not part["finished"]
    assert 0 < len(part["nodes"]) <= part["pages_done"] < part["pages_total"] == 16
    answer = http.get(f"/jobs/{job}/results", params={"wait": 60}).json()
    assert answer["status"] == "completed"
    at_the_end = {node["id"]: node for node in answer["results"]["results"][0]["nodes"]}
    assert part["nodes"] == [at_the_end[node["id"]] for node in part["nodes"]]

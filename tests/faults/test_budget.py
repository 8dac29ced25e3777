"""A tiny file that would take pages, parsers or jobs from its neighbours."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.faults.test_bad_pages import ended, submit


def submit_as(http: httpx.Client, filename: str, document: str) -> str:
    answer = http.post("/submit", files={"files": (filename, document.encode())})
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def entry(http: httpx.Client, job: str) -> dict[str, Any]:
    assert ended(http, job)["status"] == "completed"
    return dict(http.get(f"/jobs/{job}/results").json()["results"]["results"][0])


def test_a_file_that_claims_a_million_pages_costs_its_neighbours_nothing(http: httpx.Client) -> None:
    neighbour = submit(http, "60")
    claims = [submit(http, "1000000") for _ in range(8)]
    began = time.monotonic()
    assert {entry(http, job)["error_code"] for job in claims} == {"too_many_pages"}
    print(f"eight claims of a million pages were refused after {time.monotonic() - began:.1f} s")
    status = ended(http, neighbour)
    assert (status["status"], status["attempts"], status["progress"]["pages_done"]) == ("completed", 1, 60)


def test_a_tiny_file_does_not_wait_for_a_parser_that_is_frozen(http: httpx.Client) -> None:
    frozen = submit(http, "1 freeze@1")
    time.sleep(2.5)  # a probe of that parser has gone unanswered; it ends itself after 3 s, and is tried again
    began = time.monotonic()
    tiny = [submit(http, "1") for _ in range(3)]
    assert all(entry(http, job)["success"] for job in tiny)
    print(f"three tiny files beside a frozen parser were done after {time.monotonic() - began:.1f} s")
    assert entry(http, frozen)["error_code"] == "pages_lost"


def test_files_without_pages_that_kill_their_parsers_are_tried_twice_and_spare_the_others(http: httpx.Client) -> None:
    began = time.monotonic()
    jobs = [
        submit_as(http, "bad.csv", "1 crash@1") if bad else submit_as(http, "good.csv", "1")
        for bad in (True, True, False, True, False, False)
    ]
    results = [entry(http, job) for job in jobs]
    print(f"three killers and three good files ended after {time.monotonic() - began:.1f} s")
    codes = [result["error_code"] for result in results]
    assert codes == ["invalid_file", "invalid_file", None, "invalid_file", None, None]

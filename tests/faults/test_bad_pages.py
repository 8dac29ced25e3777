"""A page that breaks its parser costs a document that page, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.faults.conftest import PATIENCE_S
from tests.waiting import eventually


def submit(http: httpx.Client, document: str) -> str:
    answer = http.post("/submit", files={"files": ("a.pdf", document.encode())})
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def ended(http: httpx.Client, job: str) -> dict[str, Any]:
    def final() -> dict[str, Any]:
        status = dict(http.get(f"/jobs/{job}", params={"wait": 20}).json())
        return {} if status["status"] in ("pending", "processing") else status

    return eventually(final, within_s=PATIENCE_S, what="the end of the job")


def result(http: httpx.Client, job: str) -> dict[str, Any]:
    assert ended(http, job)["status"] == "completed"
    return dict(http.get(f"/jobs/{job}/results").json()["results"]["results"][0])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param("crash", "the parser process died", id="ends"),
        pytest.param("raise", "the parser failed with ZeroDivisionError", id="raises"),
        pytest.param("garbage", "the parser returned other pages", id="answers-nonsense"),
        pytest.param("freeze", "the parser hung", id="hangs-and-holds-the-interpreter"),
        pytest.param("hang", "the parser hung", id="hangs", marks=pytest.mark.slow),
        pytest.param("segfault", "the parser process died", id="segfaults", marks=pytest.mark.slow),
    ],
)
def test_only_the_page_that_breaks_its_parser_is_lost(http: httpx.Client, fault: str, reason: str) -> None:
    began = time.monotonic()
    parsed = result(http, submit(http, f"6 {fault}@3"))
    print(f"{fault}: done after {time.monotonic() - began:.1f} s; {parsed['pages_failed']}")
    assert parsed["success"]
    assert [node["metadata"]["page_number"] for node in parsed["nodes"]] == [1, 2, 4, 5, 6]
    assert [page["page_number"] for page in parsed["pages_failed"]] == [3]
    assert parsed["pages_failed"][0]["reason"].startswith(reason)


def test_a_document_of_one_page_that_crashes_fails_and_the_others_of_its_job_do_not(http: httpx.Client) -> None:
    files = [("files", ("bad.pdf", b"1 crash@1")), ("files", ("good.pdf", b"1"))]
    job = http.post("/submit", files=files).json()["job_id"]
    assert ended(http, job)["status"] == "completed"
    bad, good = http.get(f"/jobs/{job}/results").json()["results"]["results"]
    assert (bad["success"], bad["error_code"]) == (False, "pages_lost")
    assert good["success"]

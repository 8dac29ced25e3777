"""A job that is not wanted any more, whatever it is doing."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import PATIENCE_S, SETTINGS, Service
from tests.faults.test_bad_pages import ended, submit
from tests.faults.test_churn import PARTS
from tests.waiting import eventually


def pages_done(http: httpx.Client, job: str) -> int:
    return int(http.get(f"/jobs/{job}").json()["progress"]["pages_done"])


def both_parsers(service: Service) -> list[int]:
    """The processes of the parsers; empty while one of them is replaced after an earlier fault."""
    found = service.pids(PARTS["parser"])
    return found if len(found) == int(SETTINGS["PARSER_MIN_REPLICAS"]) else []


@pytest.mark.parametrize(
    "document",
    [pytest.param("400", id="at-work"), pytest.param("8 hang@3", id="hung", marks=pytest.mark.slow)],
)
def test_cancelled_jobs_leave_their_parsers_to_others(http: httpx.Client, document: str) -> None:
    jobs = [submit(http, document) for _ in range(2)]  # as many as there are parsers
    for job in jobs:
        eventually(partial(pages_done, http, job), within_s=PATIENCE_S, what="the first page")
    asked = time.monotonic()
    for job in jobs:
        assert http.post(f"/jobs/{job}/cancel").status_code == 202
    assert [(ended(http, job)["status"], ended(http, job)["reason"]) for job in jobs] == [("failed", "cancelled")] * 2
    ended_s = time.monotonic() - asked
    others = [submit(http, "8") for _ in range(2)]
    assert [ended(http, job)["progress"]["pages_done"] for job in others] == [8, 8]
    print(f"{document}: ended {ended_s:.1f} s after the cancel, two other jobs done {time.monotonic() - asked:.1f} s")


def test_a_parser_whose_job_is_cancelled_goes_on_with_other_jobs(http: httpx.Client, service: Service) -> None:
    parsers = set(eventually(partial(both_parsers, service), within_s=PATIENCE_S, every_s=0.2, what="two parsers"))
    jobs = [submit(http, "8 wait@3") for _ in parsers]
    for job in jobs:
        eventually(partial(pages_done, http, job), within_s=PATIENCE_S, what="the first page")
        assert http.post(f"/jobs/{job}/cancel").status_code == 202
    others = [submit(http, "8") for _ in parsers]
    assert [ended(http, job)["progress"]["pages_done"] for job in others] == [8, 8]
    assert set(service.pids(PARTS["parser"])) >= parsers  # none ended itself


def test_a_deleted_job_leaves_nothing_behind(http: httpx.Client, short_folder: Path) -> None:
    job = submit(http, "400")
    assert http.delete(f"/jobs/{job}").status_code == 204
    assert http.get(f"/jobs/{job}").status_code == 404
    assert not list((short_folder / "faults" / "blobs").glob(f"*/{job}"))

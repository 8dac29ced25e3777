"""A dispatcher that dies while it fetches a file from a URL."""

from __future__ import annotations

import threading

import httpx

from tests.faults.conftest import PATIENCE_S, Service
from tests.faults.test_bad_pages import ended
from tests.waiting import eventually
from tests.web import serving_web


def test_a_fetch_that_died_with_its_dispatcher_is_made_again_and_a_finished_one_is_not(
    service: Service, http: httpx.Client
) -> None:
    with serving_web() as web:
        web.files = {"/quick.pdf": b"4", "/slow.pdf": b"2"}
        web.held = {"/slow.pdf": threading.Event()}
        sources = [{"url": f"{web.url}{path}", "headers": {"Authorization": "sesame"}} for path in web.files]
        job = http.post("/submit", json={"sources": sources}).json()["job_id"]
        eventually(
            lambda: _progress(http, job)["files_done"] == 1 and web.asked["/slow.pdf"], within_s=PATIENCE_S, every_s=0.1
        )
        assert service.kill("ray::ServeReplica:docfleet:Dispatcher")
        eventually(lambda: web.asked["/slow.pdf"] == 2, within_s=PATIENCE_S, what="the second fetch")
        web.held["/slow.pdf"].set()
        status = ended(http, job)
    assert (status["status"], status["attempts"]) == ("completed", 2)
    assert (status["progress"]["pages_done"], status["progress"]["files_fetched"]) == (6, 2)
    assert web.asked == {"/quick.pdf": 1, "/slow.pdf": 2}


def _progress(http: httpx.Client, job: str) -> dict[str, int]:
    return dict(http.get(f"/jobs/{job}").json()["progress"])

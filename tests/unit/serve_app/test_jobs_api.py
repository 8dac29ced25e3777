"""Submitting a job, following it, and ending it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.errors import DocfleetError, FleetUnavailable, StoreUnavailable
from actors.messages import Failure, Heartbeat, JobView
from client.models import ErrorCode, JobStatusEnum, Progress
from tests.unit.serve_app.service import MakeService, Service, form, soon


@pytest.fixture
def waits(service: Service, monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """Released each time that a reader begins to wait for a change."""
    begun = asyncio.Semaphore(0)
    wait = service.registry.wait

    async def noted_wait(job_id: str, version: int, timeout_s: float) -> JobView:
        begun.release()
        return await wait(job_id, version, timeout_s)

    monkeypatch.setattr(service.registry, "wait", noted_wait)
    return begun


async def test_submit_answers_202_with_the_way_to_the_job(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(("a.md", b"# A"), ("b.md", b"# B")))
    job_id = answer.json()["job_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "job_id": job_id,
        "status": "pending",
        "message": "Job submitted successfully with 2 file(s)",
    }
    assert answer.headers["Location"] == f"/jobs/{job_id}"
    assert answer.headers["Retry-After"] == "1"


async def test_a_submitted_file_is_in_the_store_before_the_answer(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"), ("b.md", b""))
    assert await service.blobs.get(f"inputs/{job_id}/0") == b"# A"
    assert await service.blobs.get(f"inputs/{job_id}/1") == b""


async def test_a_job_carries_what_was_asked_for(make_service: MakeService) -> None:
    service = await make_service(do_ocr=False, profile="native")
    job_id = await service.submit(
        ("a.md", b"# A"),
        task_id="mine",
        callback_url="https://example.com/hook",
        metadata='{"project": "x", "n": 1}',
        options='{"page_chunks": false, "page_range": [2, 3], "password": "secret"}',
    )
    [claim] = await service.registry.claim("test", 1, 0.0)
    spec = claim.spec
    assert (spec.job_id, spec.task_id, spec.callback_url) == (job_id, "mine", "https://example.com/hook")
    assert spec.metadata == {"project": "x", "n": 1}
    assert (spec.options.page_chunks, spec.options.page_range) == (False, (2, 3))
    assert (spec.options.do_ocr, spec.options.profile) == (False, "native")
    assert spec.options.password is not None
    assert spec.options.password.get_secret_value() == "secret"
    assert [(file.filename, file.size) for file in spec.files] == [("a.md", 3)]


async def test_status_of_a_queued_job(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"), metadata='{"k": "v"}')
    answer = await service.http.get(f"/jobs/{job_id}")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["job_id"], body["status"], body["queue_position"], body["metadata"]) == (
        job_id, "pending", 1, {"k": "v"},
    )  # fmt: skip
    assert body["submitted_at"] > 1.7e9
    assert {body["started_at"], body["completed_at"], body["error"], body["reason"]} == {None}
    assert answer.headers["Retry-After"] == "1"


async def test_status_of_a_completed_job_asks_nobody_to_come_back(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}")
    body = answer.json()
    assert body["status"] == "completed"
    progress = {"pages_total": 1, "pages_done": 1, "pages_failed": 0, "files_total": 1, "files_done": 1}
    assert body["progress"] == progress | {"files_fetched": 0, "words_lost": 0}
    assert body["submitted_at"] <= body["started_at"] <= body["completed_at"]
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("path", ["/jobs/nope", "/jobs/nope/results"])
async def test_an_unknown_job_is_404_with_its_id_in_place(service: Service, path: str) -> None:
    answer = await service.http.get(path)
    assert answer.status_code == 404
    assert (answer.json()["detail"], answer.json()["code"]) == ("Job nope not found", "job_not_found")


async def test_an_expired_job_is_410(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    await service.registry.forget([job_id])
    answer = await service.http.get(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (410, "job_expired")


@pytest.mark.parametrize(
    ("query", "headers"), [({"wait": "50"}, {}), ({}, {"Prefer": "respond-async, wait=50"})], ids=["query", "Prefer"]
)
async def test_a_waiting_reader_is_answered_by_the_change(
    service: Service, waits: asyncio.Semaphore, query: dict[str, str], headers: dict[str, str]
) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    waiting = asyncio.create_task(service.http.get(f"/jobs/{job_id}", params=query, headers=headers))
    await waits.acquire()
    await service.registry.claim("test", 1, 0.0)
    answer = await waiting
    assert answer.json()["status"] == "processing"
    assert answer.headers.get("Preference-Applied") == ("wait=50" if headers else None)


async def test_nobody_waits_for_an_ended_job(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}", params={"wait": "60"})
    assert answer.json()["status"] == "completed"


async def test_a_wait_that_nothing_ends_answers_the_state_as_it_is(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}", params={"wait": "0.01"})
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")


async def test_500_waiters_all_hear_of_the_change(service: Service, waits: asyncio.Semaphore) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    waiting = [asyncio.create_task(service.http.get(f"/jobs/{job_id}", params={"wait": "60"})) for _ in range(500)]
    for _ in waiting:
        await waits.acquire()
    await service.worker.work()
    answers = await asyncio.gather(*waiting)
    assert {answer.json()["status"] for answer in answers} <= {"processing", "completed"}


@pytest.mark.parametrize("wait", ["61", "-1", "soon"])
async def test_a_wait_outside_its_bounds_is_refused(service: Service, wait: str) -> None:
    answer = await service.http.get("/jobs/x", params={"wait": wait})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "query.wait" in answer.json()["detail"]


async def test_parse_answers_when_every_file_is_done_in_the_order_they_were_sent(service: Service) -> None:
    answer = await service.parse(("a.md", b"# A"), ("b.md", b"bad"), ("a.md", b"# A2"))
    body = answer.json()
    assert answer.status_code == 200
    assert [entry["filename"] for entry in body["results"]] == ["a.md", "b.md", "a.md"]
    assert [entry["success"] for entry in body["results"]] == [True, False, True]
    assert (body["total_files"], body["successful"], body["failed"], body["total_nodes"]) == (3, 2, 1, 2)
    assert body["total_processing_time_ms"] >= 0


async def test_parse_past_the_servers_deadline_answers_202_and_the_job_goes_on(make_service: MakeService) -> None:
    service = await make_service(parse_timeout_s=0.01)
    answer = await service.http.post("/parse", files=form(("a.md", b"# A")))
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    await service.worker.work()
    status = await service.http.get(answer.headers["Location"])
    assert status.json()["status"] == "completed"


@pytest.mark.parametrize("away", [FleetUnavailable, StoreUnavailable])
async def test_parse_waits_for_a_registry_or_journal_that_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch, away: type[DocfleetError]
) -> None:
    monkeypatch.setattr("serve_app.events.RECONNECT_S", 0.0)
    wait, errors = service.registry.wait_ended, iter([away("away"), away("away")])

    async def wait_when_back(*how: Any) -> JobView:
        if error := next(errors, None):
            raise error
        await service.worker.work()
        return await wait(*how)

    monkeypatch.setattr(service.registry, "wait_ended", wait_when_back)
    answer = await service.http.post("/parse", files=form(("a.md", b"# A")))
    assert (answer.status_code, answer.json()["successful"]) == (200, 1)


async def test_parse_whose_results_cannot_be_read_at_present_leads_to_them(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, stream = service.registry.wait_ended, service.blobs.stream

    async def work_and_wait(*how: Any) -> JobView:
        await service.worker.work()
        return await wait(*how)

    async def away(key: str) -> AsyncIterator[bytes]:
        raise StoreUnavailable("The blob store cannot be reached")
        yield b""

    monkeypatch.setattr(service.registry, "wait_ended", work_and_wait)
    monkeypatch.setattr(service.blobs, "stream", away)
    answer = await service.http.post("/parse", files=form(("a.md", b"# A")))
    assert (answer.status_code, answer.json()["status"]) == (202, "completed")
    monkeypatch.setattr(service.blobs, "stream", stream)
    results = await service.http.get(answer.headers["Location"] + "/results")
    assert results.json()["results"]["successful"] == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [(ErrorCode.POISON, 500), (ErrorCode.DEADLINE_EXCEEDED, 504), (ErrorCode.CANCELLED, 409)],
)
async def test_parse_of_a_job_that_failed_as_a_whole_is_an_error(
    service: Service, code: ErrorCode, status: int
) -> None:
    answer = await service.parse(("a.md", b"# A"), failure=Failure(code=code, message="Why it failed"))
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (status, code, "Why it failed")


async def test_the_job_of_a_parse_whose_client_left_goes_on(service: Service) -> None:
    parsing = asyncio.create_task(service.http.post("/parse", files=form(("a.md", b"# A"))))
    [claim] = await soon(lambda: service.registry.claim("test", 1, 0.0))
    parsing.cancel()
    await asyncio.gather(parsing, return_exceptions=True)
    await service.registry.release([(claim.spec.job_id, claim.lease)])
    await service.worker.work()
    status = await service.http.get(f"/jobs/{claim.spec.job_id}")
    assert status.json()["status"] == "completed"


async def test_jobs_are_listed_newest_first_page_by_page(service: Service) -> None:
    ids = [await service.submit((f"{n}.md", b"# A")) for n in range(3)]
    first = (await service.http.get("/jobs", params={"limit": 2})).json()
    second = (await service.http.get("/jobs", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [job["job_id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["", "abc", "-1", "²", "9" * 30])
async def test_a_cursor_that_no_page_gave_is_refused(service: Service, cursor: str) -> None:
    answer = await service.http.get("/jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"] == "query.cursor: Input should be the next_cursor of an earlier answer"


async def test_jobs_are_listed_by_status(service: Service) -> None:
    done = await service.completed(("a.md", b"# A"))
    waiting = await service.submit(("b.md", b"# B"))
    listed = {
        status: [job["job_id"] for job in (await service.http.get("/jobs", params={"status": status})).json()["jobs"]]
        for status in JobStatusEnum
    }
    assert listed == {"pending": [waiting], "processing": [], "completed": [done], "failed": []}


async def test_a_cancelled_job_is_failed_with_a_reason(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.post(f"/jobs/{job_id}/cancel")
    again = await service.http.post(f"/jobs/{job_id}/cancel")
    assert [answer.status_code, again.status_code] == [202, 202]
    assert (answer.json()["status"], answer.json()["reason"]) == ("failed", "cancelled")
    results = (await service.http.get(f"/jobs/{job_id}/results")).json()
    assert (results["status"], results["results"], results["error"]) == ("failed", None, answer.json()["error"])


async def test_cancel_after_the_end_is_409(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.post(f"/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


async def test_cancel_of_an_unknown_job_is_404(service: Service) -> None:
    answer = await service.http.post("/jobs/nope/cancel")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Job nope not found")


async def test_delete_leaves_nothing_of_a_completed_job(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    kept = await service.completed(("b.md", b"# B"))
    assert (await service.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert (await service.http.get(f"/jobs/{job_id}")).status_code == 404
    assert (await service.http.delete(f"/jobs/{job_id}")).status_code == 404
    assert {key.split("/")[1] for key in service.stored()} == {kept}


async def test_delete_cancels_a_job_that_still_waits(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    assert (await service.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert await service.registry.claim("test", 1, 0.0) == []
    assert service.stored() == []


async def test_delete_does_not_mind_a_job_that_ends_just_then(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    seen = await service.registry.get(job_id)
    await service.worker.work()

    get, answers = service.registry.get, [seen]

    async def get_late(asked: str) -> JobView:
        return answers.pop() if answers else await get(asked)

    monkeypatch.setattr(service.registry, "get", get_late)
    assert (await service.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert service.stored() == []


async def test_delete_waits_for_a_running_job_to_stop(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    [claim] = await service.registry.claim("test", 1, 0.0)
    beat = Heartbeat(job_id=job_id, lease=claim.lease, progress=Progress())
    deleting = asyncio.create_task(service.http.delete(f"/jobs/{job_id}"))
    assert await soon(lambda: service.registry.heartbeat([beat])) == [job_id]  # told to stop
    assert not deleting.done()
    await service.registry.release([(job_id, claim.lease)])
    assert (await deleting).status_code == 204
    assert service.stored() == []

"""`GET /jobs/{id}/results?partial=true`."""

from __future__ import annotations

import orjson
import pytest

from actors.messages import FileOutcome, PartialFile
from client.models import JobResultResponse
from tests.unit.serve_app.service import Service

NODES = [{"text": "Page 1", "metadata": {"page_number": 1}}]


async def running(service: Service, *files: PartialFile) -> str:
    """A running job with these partial files."""
    job_id = await service.submit(("a.pdf", b"%PDF-1"), ("b.md", b"# B"))
    assert await service.registry.claim("dispatcher", 1, 0.0)
    service.dispatchers.files[job_id] = list(files)
    return job_id


async def two_files(service: Service) -> str:
    job_id = await running(service)
    response = {"filename": "b.md", "success": False, "nodes": [], "num_nodes": 0, "error": "bad"}
    outcome = FileOutcome(
        filename="b.md",
        response=f"results/{job_id}/1/response.json",
        document=None,
        success=False,
        num_nodes=0,
        pages=0,
        processing_time_ms=1.0,
    )
    response["error_code"] = "invalid_file"
    await service.blobs.put(outcome.response, orjson.dumps(response))
    service.dispatchers.files[job_id] = [
        PartialFile(filename="a.pdf", nodes=orjson.dumps(NODES), num_nodes=1, pages_done=1, pages_total=9),
        PartialFile(filename="b.md", outcome=outcome, pages_done=1, pages_total=1),
    ]
    return job_id


async def test_what_is_done_is_told_apart_from_results(service: Service) -> None:
    job_id = await two_files(service)
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true"})
    body = JobResultResponse.model_validate_json(answer.content)
    assert (body.status, body.results, body.error) == ("processing", None, None)
    assert body.partial is not None
    first, second = body.partial.files
    assert (first.finished, first.success, first.pages_done, first.pages_total) == (False, None, 1, 9)
    assert (first.nodes, first.num_nodes) == (NODES, 1)
    assert (second.finished, second.success, second.error_code) == (True, False, "invalid_file")
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


async def test_one_file_may_be_asked_for(service: Service) -> None:
    job_id = await two_files(service)
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true", "file": 1})
    assert [file["filename"] for file in answer.json()["partial"]["files"]] == ["b.md"]


async def test_a_file_that_the_job_has_not_is_not_found(service: Service) -> None:
    job_id = await two_files(service)
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true", "file": 2})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_of_a_job_that_waits_there_is_nothing_yet(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true"})
    assert (answer.json()["status"], answer.json()["partial"]["files"]) == ("pending", [])


async def test_who_does_not_ask_for_a_part_gets_none(service: Service) -> None:
    job_id = await two_files(service)
    body = (await service.http.get(f"/jobs/{job_id}/results")).json()
    assert body == {"job_id": job_id, "status": "processing", "results": None, "error": None}


async def test_of_a_job_that_has_ended_the_results_are_whole(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    whole = await service.http.get(f"/jobs/{job_id}/results")
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true"})
    assert (answer.content, answer.headers["ETag"]) == (whole.content, whole.headers["ETag"])


@pytest.mark.parametrize("params", [{"format": "markdown"}, {"format": "zip"}])
async def test_only_nodes_can_be_had_in_part(service: Service, params: dict[str, str]) -> None:
    job_id = await two_files(service)
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true", **params})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("status", ["processing", "completed"])
async def test_a_part_of_what_is_done_is_not_cut_to_pages(service: Service, status: str) -> None:
    job_id = await (two_files(service) if status == "processing" else service.completed(("a.md", b"# A")))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"partial": "true", "pages": "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"] == "pages and partial cannot be combined; send one of them"

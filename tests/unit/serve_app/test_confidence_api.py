"""How sure the models were, in the answers about a job."""

from __future__ import annotations

import httpx
import orjson
import pytest

from client.confidence import Confidence, FileConfidence
from tests.unit.serve_app.service import Service

PAGE = Confidence(layout_score=0.7, mean_score=0.7, low_score=0.7, mean_grade="fair", low_grade="fair")
FAIR = FileConfidence(**PAGE.model_dump(), pages={"1": PAGE})


async def scores_of(service: Service, job_id: str, **params: int) -> httpx.Response:
    return await service.http.get(f"/jobs/{job_id}/results", params={"format": "confidence"} | params)


async def test_scores_of_one_file_are_an_object_with_its_pages(service: Service) -> None:
    service.worker.confidence = FAIR
    job_id = await service.completed(("a.pdf", b"%PDF"))
    assert FileConfidence.model_validate_json((await scores_of(service, job_id)).content) == FAIR


async def test_scores_of_several_files_are_an_object_with_all_of_them(service: Service) -> None:
    service.worker.confidence = FAIR
    job_id = await service.completed(("a.pdf", b"%PDF"), ("b.pdf", b"bad"))
    contents = [entry["content"] for entry in (await scores_of(service, job_id)).json()["results"]]
    assert contents == [FAIR.model_dump(), None]
    assert (await scores_of(service, job_id, file=0)).json() == FAIR.model_dump()


async def test_file_that_was_not_scored_has_no_scores(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    assert (await scores_of(service, job_id)).json() == FileConfidence().model_dump()


async def test_result_of_an_older_release_has_no_scores(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    key = f"results/{job_id}/0/response.json"
    entry = orjson.loads(await service.blobs.get(key))
    del entry["confidence"]
    await service.blobs.put(key, orjson.dumps(entry))
    assert (await scores_of(service, job_id)).json() == FileConfidence().model_dump()


async def test_failed_file_has_no_scores(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"bad"))
    answer = await scores_of(service, job_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "export_unavailable")


async def test_job_that_has_not_ended_has_no_scores_yet(service: Service) -> None:
    job_id = await service.submit(("a.pdf", b"%PDF"))
    answer = await scores_of(service, job_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "result_not_ready")


@pytest.mark.parametrize(("scored", "worst"), [(FAIR, "fair"), (FileConfidence(), None)])
async def test_status_of_a_job_tells_the_worst_grade(
    service: Service, scored: FileConfidence, worst: str | None
) -> None:
    service.worker.confidence = scored
    job_id = await service.completed(("a.pdf", b"%PDF"), ("b.pdf", b"bad"))
    assert (await service.http.get(f"/jobs/{job_id}")).json()["worst_grade"] == worst

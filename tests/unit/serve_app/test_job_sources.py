"""Requests that name files of earlier jobs in place of files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from actors.messages import InputFile
from client.keys import digest
from tests.unit.serve_app.service import MakeService, Service
from tests.unit.serve_app.test_bad_input import GOOD, assert_problem
from tests.unit.serve_app.test_url_sources import as_form, as_json

WAYS = pytest.mark.parametrize("way", [as_form, as_json], ids=["form", "json"])


async def submitted(service: Service, request: dict[str, Any]) -> Sequence[InputFile]:
    """The files of the job that the request makes."""
    answer = await service.http.post("/submit", **request)
    assert answer.status_code == 202, answer.text
    (claim,) = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.job_id == answer.json()["job_id"]
    return claim.spec.files


async def contents(service: Service, files: Sequence[InputFile]) -> list[tuple[str, bytes]]:
    return [(file.filename, await service.blobs.get(file.blob)) for file in files]


@WAYS
async def test_the_files_of_a_job_are_parsed_again_with_other_options(service: Service, way: Any) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    request = way({"job_id": job_id})
    request |= {"data": {"options": '{"do_ocr": true}'}} if way is as_form else {}
    files = await submitted(service, request)
    assert await contents(service, files) == [("a.md", b"# A"), ("b.md", b"# B")]
    assert [file.size for file in files] == [3, 3]


@WAYS
async def test_one_file_of_a_job_can_be_named(service: Service, way: Any) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    assert await contents(service, await submitted(service, way({"job_id": job_id, "file": 1}))) == [("b.md", b"# B")]


async def test_files_of_jobs_stand_between_the_other_files_in_the_order_of_the_request(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    sources = json.dumps([{"job_id": job_id}, {"url": "https://web.test/one.pdf"}, {"job_id": job_id, "file": 0}])
    parts = [("files", ("first.md", b"# 1")), ("sources", (None, sources)), ("files", ("last.md", b"# 2"))]
    files = await submitted(service, {"files": parts})
    assert [file.filename for file in files] == ["first.md", "a.md", "b.md", "one.pdf", "a.md", "last.md"]
    assert [file.blob.rpartition("/")[2] for file in files] == list("012345")


async def test_the_copy_outlives_the_earlier_job(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    files = await submitted(service, as_json({"job_id": job_id}))
    assert (await service.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert await contents(service, files) == [("a.md", b"# A")]


async def test_a_cancelled_job_can_be_parsed_again_with_all_its_files(service: Service) -> None:
    many = [(f"{number}.md", b"# A") for number in range(30)]
    job_id = await service.submit(*many)
    assert (await service.http.post(f"/jobs/{job_id}/cancel")).status_code == 202
    files = await submitted(service, as_json({"job_id": job_id}))
    assert [file.filename for file in files] == [name for name, _ in many]


async def test_a_job_that_waits_can_be_a_source_too(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.post("/submit", **as_json({"job_id": job_id}))
    assert answer.status_code == 202
    assert len(await service.registry.inputs(answer.json()["job_id"])) == 1


async def test_repeating_the_request_with_its_key_gives_the_same_job(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    again = [
        (await service.http.post("/submit", **as_json({"job_id": job_id}), headers={"Idempotency-Key": "k"})).json()
        for _ in range(2)
    ]
    assert again[0]["job_id"] == again[1]["job_id"]


async def test_the_content_tells_the_kind_of_a_file_that_was_fetched(service: Service) -> None:
    answer = await service.http.post("/submit", **as_json({"url": "https://web.test/view?id=1"}))
    job_id = answer.json()["job_id"]
    await service.blobs.put(f"inputs/{job_id}/0", b"%PDF-")
    await service.worker.work()
    (file,) = await submitted(service, as_json({"job_id": job_id}))
    assert (file.filename, file.remote, file.trust_name) == ("view", False, False)


@pytest.mark.parametrize("route", ["/submit", "/parse"])
async def test_a_file_that_is_no_longer_kept_is_410_and_nothing_is_stored(service: Service, route: str) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    await service.blobs.delete_prefix(f"inputs/{job_id}")
    answer = await service.http.post(route, **as_json({"job_id": job_id}))
    assert_problem(answer, 410, "input_gone", "KEEP_INPUTS")
    assert service.stored("inputs") == []


@WAYS
async def test_a_job_that_does_not_exist_is_404_and_the_files_beside_it_are_removed(service: Service, way: Any) -> None:
    request = way({"job_id": "nope"})
    if way is as_form:
        request["files"].insert(0, ("files", GOOD))
    assert_problem(await service.http.post("/submit", **request), 404, "job_not_found", "Job nope not found")
    assert service.stored() == []


async def test_a_job_that_is_deleted_meanwhile_is_404(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    found = service.registry.inputs

    async def inputs(job_id: str) -> tuple[InputFile, ...]:
        await service.registry.delete(job_id, "")
        return await found(job_id)

    monkeypatch.setattr(service.registry, "inputs", inputs)
    answer = await service.http.post("/submit", **as_json({"job_id": job_id}))
    assert_problem(answer, 404, "job_not_found", f"Job {job_id} not found")


async def test_a_file_that_the_job_does_not_have_is_404(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.post("/submit", **as_json({"job_id": job_id, "file": 1}))
    assert_problem(answer, 404, "not_found", "has no file 1")


async def test_a_job_of_another_key_does_not_exist(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"me:{digest('mine')},you:{digest('yours')}")
    mine = await service.http.post("/submit", files=[("files", GOOD)], headers={"X-API-Key": "mine"})
    request = as_json({"job_id": mine.json()["job_id"]})
    answer = await service.http.post("/submit", **request, headers={"X-API-Key": "yours"})
    assert_problem(answer, 404, "job_not_found", "not found")


async def test_copies_count_for_the_size_of_a_request(make_service: MakeService) -> None:
    service = await make_service(max_file_size_mb=1, max_queued_bytes=2_000_000)
    job_id = await service.completed(("a.md", b"#" * 900_000))
    answer = await service.http.post("/submit", **as_json(*[{"job_id": job_id}] * 3))
    assert_problem(answer, 413, "file_too_large", "The request is larger than")
    assert len(service.stored("inputs")) == 1


async def test_more_files_than_a_request_may_have_are_refused(service: Service) -> None:
    job_id = await service.completed(*[(f"{number}.md", b"#") for number in range(101)])
    answer = await service.http.post("/submit", **as_json(*[{"job_id": job_id}] * 10))
    assert_problem(answer, 422, "invalid_request", "at most 1000 files")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"job_id": 7}, "sources.0.job_id: Input should be a valid string"),
        ({"job_id": "j", "file": -1}, "sources.0.file: Input should be greater than or equal to 0"),
        ({"job_id": "j", "file": "x"}, "sources.0.file: Input should be a valid integer"),
        (
            {"job_id": "j", "url": "https://web.test/a.pdf"},
            "sources.0.url: Extra inputs are not permitted; the fields are job_id, file",
        ),
        ({"job_id": "j" * 101}, "sources.0.job_id: String should have at most 100 characters"),
    ],
    ids=range(5),
)
async def test_an_invalid_job_source_is_refused_with_its_reason(
    service: Service, source: dict[str, Any], reason: str
) -> None:
    assert_problem(await service.http.post("/submit", **as_json(source)), 422, "invalid_source", reason)

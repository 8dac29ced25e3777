"""The requests that go the shortest way are those that nothing can hold up, and they get the same answer."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from serve_app.plain_status import AnsweredHere
from tests.unit.serve_app.service import Service

SERVE, HERE = PlainTextResponse("Serve"), PlainTextResponse("here")


async def answered_by(
    built: list[ASGIApp], method: str, path: str, headers: Mapping[str, str] | None = None, root_path: str = ""
) -> str:
    transport = httpx.ASGITransport(AnsweredHere(SERVE, built), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://replica") as http:
        return (await http.request(method, path, headers=headers)).text


async def test_the_status_of_a_job_is_answered_in_the_process_that_has_the_application() -> None:
    assert await answered_by([HERE], "GET", "/jobs/a") == "here"
    assert await answered_by([HERE], "GET", "/docs/jobs/a", root_path="/docs") == "here"
    assert await answered_by([], "GET", "/jobs/a") == "Serve"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/jobs/a?wait=5", {}),
        ("GET", "/jobs/a", {"Prefer": "wait=5"}),
        ("GET", "/jobs/a/results", {}),
        ("GET", "/jobs/", {}),
        ("GET", "/jobs", {}),
        ("GET", "/jobs/" + "a" * 101, {}),
        ("DELETE", "/jobs/a", {}),
    ],
)
async def test_what_may_wait_or_is_no_status_goes_through_serve(
    method: str, path: str, headers: dict[str, str]
) -> None:
    assert await answered_by([HERE], method, path, headers) == "Serve"


async def test_the_answer_is_that_of_the_described_route(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    plain, described = [await service.http.get(f"/jobs/{job_id}{query}") for query in ("", "?wait=0")]
    assert plain.json() == described.json()
    assert plain.headers.keys() == described.headers.keys()


async def test_an_unknown_job_is_the_same_404(service: Service) -> None:
    plain, described = [await service.http.get(f"/jobs/none{query}") for query in ("", "?wait=0")]
    assert (plain.status_code, described.status_code) == (404, 404)
    assert plain.json() | {"request_id": ""} == described.json() | {"request_id": ""}


@pytest.mark.parametrize("wait", ["0", "5", "59", "0.25"])
async def test_results_are_those_of_the_described_route(service: Service, wait: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    path = f"/jobs/{job_id}/results"
    plain, described = [
        await service.http.get(f"{path}?{query}") for query in (f"wait={wait}", f"wait={wait}&format=nodes")
    ]
    assert (plain.status_code, plain.content) == (described.status_code, described.content)
    assert plain.headers.keys() == described.headers.keys()


async def test_results_without_a_query_are_the_same_too(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    plain, described = [await service.http.get(f"/jobs/{job_id}/results{query}") for query in ("", "?format=nodes")]
    assert plain.content == described.content
    again = await service.http.get(f"/jobs/{job_id}/results", headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("query", ["wait=-1", "wait=61", "wait=nan", "wait=1e9", "wait=", "wait=1&wait=61"])
async def test_a_wait_that_is_wrong_is_still_refused(service: Service, query: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    assert (await service.http.get(f"/jobs/{job_id}/results?{query}")).status_code == 422


async def test_results_of_an_unknown_job_are_the_same_404(service: Service) -> None:
    plain, described = [await service.http.get(f"/jobs/none/results{query}") for query in ("", "?format=nodes")]
    assert (plain.status_code, described.status_code) == (404, 404)
    assert plain.json() | {"request_id": ""} == described.json() | {"request_id": ""}

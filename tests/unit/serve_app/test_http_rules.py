"""Rules of HTTP: HEAD, paths, prefixes, content encodings, and what browsers must not do with an answer."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest
from pydantic import ValidationError

from serve_app.docs_page import ASSETS
from serve_app.settings import Settings
from tests.unit.serve_app.service import MakeService, Service, form

GOOD = ("a.md", b"# A")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/", "/jobs", "/jobs/{id}", "/jobs/{id}/results"])
async def test_head_is_get_without_a_body(service: Service, path: str) -> None:
    job_id = await service.completed(GOOD)
    got, head = [
        await service.http.request(method, path.format(id=job_id), headers={"X-Request-ID": "r-1"})
        for method in ("GET", "HEAD")
    ]
    assert (head.status_code, head.headers, head.content) == (200, got.headers, b"")
    assert got.content


@pytest.mark.parametrize(
    "path",
    [
        *("/docs", *ASSETS, "/openapi.json", "/jobs/{id}/events", "/jobs/{id}/deliveries"),
        *("/ready", "/version", "/v1/capabilities", "/v1/status/poll/{id}"),
    ],
)
async def test_head_works_wherever_get_does(service: Service, path: str) -> None:
    job_id = await service.submit(GOOD)
    answer = await service.http.head(path.format(id=job_id))
    assert answer.status_code == 200


async def test_head_deletes_nothing(service: Service) -> None:
    job_id = await service.completed(GOOD)
    assert (await service.http.head("/v1/clear/results?older_then=0")).status_code == 405
    assert (await service.http.get(f"/jobs/{job_id}")).status_code == 200


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/results", "/nowhere"])
async def test_head_of_what_does_not_exist_is_404(service: Service, path: str) -> None:
    assert (await service.http.head(path)).status_code == 404


@pytest.mark.parametrize("path", ["/jobs/", "/health/", "/submit/"])
async def test_a_path_with_a_slash_too_many_redirects_nowhere(service: Service, path: str) -> None:
    answer = await service.http.get(path, headers={"Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


@pytest.mark.parametrize("path", ["/", "/health", "/jobs", "/jobs/{id}", "/jobs/{id}/results", "/jobs/none", "/docs"])
async def test_no_browser_may_guess_another_type_for_an_answer(service: Service, path: str) -> None:
    job_id = await service.completed(GOOD)
    answer = await service.http.get(path.format(id=job_id))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# -- content encodings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/submit", "/parse"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP, deflate"])
async def test_a_compressed_request_body_is_415_and_names_the_encoding(
    service: Service, path: str, encoding: str
) -> None:
    request = service.http.build_request("POST", path, files=form(GOOD))
    headers = {"Content-Type": request.headers["Content-Type"], "Content-Encoding": encoding}
    answer = await service.http.post(path, content=gzip.compress(await request.aread()), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")
    assert f"'{encoding}'" in answer.json()["detail"]


async def test_an_identity_encoding_is_no_encoding(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(GOOD), headers={"Content-Encoding": "identity"})
    assert answer.status_code == 202


# -- a prefix that a proxy strips -----------------------------------------------------------------------------------


async def test_behind_a_prefix_location_and_links_lead_where_they_say(make_service: MakeService) -> None:
    service = await make_service(root_path="/docs-api")
    submitted = await service.http.post("/submit", files=form(GOOD))
    job = f"/docs-api/jobs/{submitted.json()['job_id']}"
    assert submitted.headers["Location"] == job
    links = (await service.http.get(job.removeprefix("/docs-api"))).json()["links"]
    assert links["self"] == job
    assert all(link.startswith(job) for link in links.values())
    endpoints = (await service.http.get("/")).json()["endpoints"]
    assert all(path.startswith("/docs-api/") for path in endpoints.values())
    described = (await service.http.get("/openapi.json")).json()
    assert described["servers"] == [{"url": "/docs-api"}]


@pytest.mark.parametrize("prefix", ["docs-api", "/docs-api/", "//evil.example", "/a b", "https://evil.example"])
def test_a_prefix_that_is_no_path_stops_the_start(prefix: str) -> None:
    with pytest.raises(ValidationError, match="root_path"):
        Settings(root_path=prefix)


# -- the page at /docs ----------------------------------------------------------------------------------------------


async def test_the_docs_page_loads_nothing_from_other_hosts(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"a:{'0' * 64}")  # the page is open also where keys are required
    answer = await service.http.get("/docs")
    assert "http" not in answer.headers["Content-Security-Policy"]
    loaded = [httpx.URL("http://docfleet/docs").join(link) for link in re.findall(r'(?:src|href)="(.*?)"', answer.text)]
    assert {url.path for url in loaded if url.scheme == "http"} == set(ASSETS)
    for path, kind in zip(ASSETS, ("javascript", "css"), strict=True):
        file = await service.http.get(path)
        assert (file.status_code, len(file.content) > 100_000) == (200, True)
        assert kind in file.headers["Content-Type"]

"""The page for browsers: where it is, what may run in it, and that it is left out on request."""

from __future__ import annotations

import re

import httpx
import pytest

from client.keys import digest, new_key
from tests.unit.serve_app.service import MakeService, Service

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
PLACES = ["/ui", "/ui/", "/"]


async def opened(service: Service, path: str) -> httpx.Response:
    return await service.http.get(path, headers={"Accept": BROWSER})


@pytest.mark.parametrize("path", PLACES)
async def test_a_browser_gets_the_page_and_each_file_that_it_names(service: Service, path: str) -> None:
    page = await opened(service, path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    files = re.findall(r'(?:src|href)="([^":]+\.\w+)"', page.text)
    assert {file.rpartition(".")[2] for file in files} == {"js", "css"}
    for file in files:
        answer = await service.http.get(str(httpx.URL(f"http://docfleet{path}").join(file)))
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PLACES)
async def test_only_scripts_of_this_server_run_in_the_page(service: Service, path: str) -> None:
    page = await opened(service, path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert (policy["connect-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'self'", "'none'", "'none'")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=", page.text)
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "accept", ["text/html", "TEXT/HTML", "text/html;q=0.9, application/json;q=0.5", "text/html;q=x"]
)
async def test_who_likes_html_best_gets_the_page(service: Service, accept: str) -> None:
    answer = await service.http.get("/", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/json, text/html;q=0.5",
        "text/html, application/json",
        "text/html;q=0",
        ";,=",
    ],
)
async def test_a_program_still_gets_the_index(service: Service, accept: str | None) -> None:
    answer = await service.http.get("/", headers={"Accept": accept} if accept else {})
    assert answer.json()["name"] == "docfleet"
    assert "Accept" in answer.headers["Vary"]


async def test_the_page_is_open_and_the_index_is_not(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"me:{digest(new_key())}")
    assert [(await opened(service, path)).status_code for path in PLACES] == [200, 200, 200]
    assert (await service.http.get("/")).status_code == 401
    assert (await service.http.post("/", headers={"Accept": BROWSER})).status_code in (401, 405)


@pytest.mark.parametrize("path", ["/ui/assets/none.js", "/ui/other", "/ui/assets/../index.html", "/ui/assets/%2e%2e/x"])
async def test_a_file_that_does_not_exist_is_a_problem(service: Service, path: str) -> None:
    answer = await service.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_head_has_no_body(service: Service) -> None:
    answer = await service.http.head("/ui")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_the_page_can_be_left_out(make_service: MakeService) -> None:
    service = await make_service(ui=False)
    assert (await opened(service, "/ui")).status_code == 404
    assert (await opened(service, "/ui/assets/app.js")).status_code == 404
    assert (await opened(service, "/")).json()["name"] == "docfleet"

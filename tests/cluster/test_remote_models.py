"""A remote model reads the pages of documents: how many at once, and what happens when something dies."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import ray
from ray.serve.context import _get_global_client

from client import DoclingParserClient
from tests.cluster.conftest import AT_ONCE, MODEL_KEY, ReplicaPids
from tests.contract.test_picture_descriptions import word_file
from tests.model_endpoint import FakeModel, Reply, Request, doctags, failed, numbered_pdf, said

PAGES = 40


@pytest.fixture(autouse=True)
def answering(model: FakeModel, url: str) -> Iterator[None]:
    """The model answers again after each test."""
    model.reset(lambda request: said(doctags(request.page)))
    yield
    model.reset(lambda request: said(doctags(request.page)))


class Reading:
    """Sends documents to be read by a model."""

    def __init__(self, client: DoclingParserClient, folder: Path) -> None:
        self._client = client
        self._folder = folder

    def submit(self, pages: int, profile: str = "vlm") -> str:
        path = self._folder / f"{pages}.pdf"
        path.write_bytes(numbered_pdf(pages))
        options = {"profile": profile, "cache": False}
        return str(self._client.submit_job(path, options=options)["job_id"])

    def result(self, job_id: str) -> dict[str, Any]:
        result: dict[str, Any] = self._client.wait_for_results(job_id, timeout=120)["results"][0]
        return result

    def progress(self, job_id: str) -> dict[str, Any]:
        progress: dict[str, Any] = self._client.get_job_status(job_id)["progress"]
        return progress


@pytest.fixture
def reading(client: DoclingParserClient, tmp_path: Path) -> Reading:
    return Reading(client, tmp_path)


def whole(result: dict[str, Any], pages: int = PAGES) -> bool:
    """Whether every page has the text that the model read on it."""
    texts = {node["metadata"]["page_number"]: node["text"] for node in result["nodes"]}
    return texts.keys() == set(range(1, pages + 1)) and all(f"read page {page}." in texts[page] for page in texts)


def full_house(text: Callable[[Request], str]) -> Callable[[Request], Reply]:
    """Answers only when so many requests run at once as the endpoint may get, and then to all of them."""
    everybody = threading.Barrier(AT_ONCE, timeout=60)

    def answer(request: Request) -> Reply:
        everybody.wait()
        return said(text(request))

    return answer


def test_endpoint_is_full_while_there_is_work_and_never_over_full(reading: Reading, model: FakeModel) -> None:
    model.reset(full_house(lambda request: doctags(request.page)))
    jobs = [reading.submit(PAGES // 2), reading.submit(PAGES // 2)]
    assert all(whole(reading.result(job), PAGES // 2) for job in jobs)
    assert (len(model.requests), model.most_at_once) == (PAGES, AT_ONCE)
    assert {request.headers["Authorization"] for request in model.requests} == {f"Bearer {MODEL_KEY}"}


@pytest.mark.parametrize("deployment", ["Parser", "RemoteModels"])
def test_document_is_whole_when_a_process_dies_in_the_middle(
    reading: Reading, model: FakeModel, replica_pids: ReplicaPids, deployment: str
) -> None:
    model.reset(lambda request: said(doctags(request.page), delay_s=0.1))
    job = reading.submit(PAGES)
    model.wait_for_requests(4)
    os.kill(replica_pids(deployment)[0], signal.SIGKILL)
    result = reading.result(job)
    assert whole(result)
    assert result["pages_failed"] == []


@pytest.mark.parametrize("stop", [DoclingParserClient.cancel_job, DoclingParserClient.delete_job])
def test_stopped_job_ends_its_requests_and_begins_no_others(
    reading: Reading, client: DoclingParserClient, model: FakeModel, stop: Callable[..., object]
) -> None:
    model.reset(lambda _: Reply(hangs=True))
    job = reading.submit(PAGES)
    model.wait_for_requests(AT_ONCE)
    stop(client, job)
    model.wait_for_broken_off(AT_ONCE)
    model.replies = lambda request: said(doctags(request.page))
    assert whole(reading.result(reading.submit(5)), 5)
    assert len(model.requests) == AT_ONCE + 5


def test_model_that_refuses_the_server_fails_the_file_and_no_other(
    reading: Reading, http: httpx.Client, model: FakeModel
) -> None:
    model.reset(
        lambda request: failed(401, MODEL_KEY) if request.body["model"] == "locked" else said(doctags(request.page))
    )
    refused, read = reading.submit(5, "vlm:locked"), reading.submit(5, "vlm:granite")
    failure = reading.result(refused)
    assert (failure["success"], failure["error_code"]) == (False, "model_unavailable")
    assert failure["error"] == "The model endpoint 'locked' refuses its key (HTTP 401)"
    assert whole(reading.result(read), 5)
    jobs = [f"/jobs/{job}{what}" for job in (refused, read) for what in ("", "/results", "/events")]
    paths = ("/", "/health", "/options", "/openapi.json", "/jobs", *jobs)
    told = "".join(http.get(path).text for path in paths)
    assert refused in told
    assert MODEL_KEY not in told
    assert model.url not in told


def test_key_is_in_no_metric_and_in_nothing_that_ray_s_dashboard_shows(reading: Reading) -> None:
    reading.result(reading.submit(3))
    agents = [f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics" for node in ray.nodes()]
    metrics = "".join(httpx.get(agent, timeout=30).text for agent in agents)
    controller = _get_global_client()
    assert controller is not None
    shown = json.dumps(controller.get_serve_details(), default=str)
    assert "ray_serve" in metrics
    assert "RemoteModels" in shown
    assert MODEL_KEY not in metrics + shown


def test_page_that_the_model_cuts_off_is_told_with_the_reason(reading: Reading, model: FakeModel) -> None:
    model.reset(lambda request: said(doctags(request.page), finish="length" if request.page == 3 else "stop"))
    job = reading.submit(5)
    result = reading.result(job)
    assert result["success"]
    assert [page["page_number"] for page in result["pages_failed"]] == [3]
    assert "cut off" in result["pages_failed"][0]["reason"]
    progress = reading.progress(job)
    assert (progress["pages_done"], progress["pages_failed"]) == (4, 1)


def test_pictures_of_a_document_are_described_side_by_side(
    client: DoclingParserClient, model: FakeModel, tmp_path: Path
) -> None:
    widths = range(300, 460, 10)
    model.reset(full_house(lambda request: f"A picture of width {request.width}."))
    path = tmp_path / "pictures.docx"
    path.write_bytes(word_file(*widths))
    answer = client.parse(path, options={"picture_description": "granite", "cache": False})
    text = "".join(node["text"] for node in answer["results"][0]["nodes"])
    assert all(f"A picture of width {width}." in text for width in widths)
    assert (len(model.requests), model.most_at_once) == (len(widths), AT_ONCE)


def test_key_is_in_no_log_of_the_cluster(reading: Reading, short_folder: Path) -> None:
    reading.result(reading.submit(3))
    logs = [path for path in short_folder.rglob("logs/**/*") if path.is_file()]
    assert logs
    assert [path for path in logs if MODEL_KEY.encode() in path.read_bytes()] == []

"""Serve's autoscaler follows the dispatcher's work: parsers come with a backlog and go when it is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from ray import serve

from benchmarks.sleeping import SleepingEngine
from serve_app.app import compose
from serve_app.settings import Settings

APP = "scaling"
PATIENCE_S = 120  # for Serve's controller on a busy machine; not what is measured


@pytest.fixture
def scaling_url(url: str, settings: Settings) -> Iterator[str]:
    """A second application on the same cluster, with a journal and parsers of its own."""
    app = compose(
        settings.model_copy(
            update={
                "database_url": f"sqlite:///{settings.state_dir}/scaling.db",
                "blob_url": f"{settings.state_dir}/scaling-blobs",
                "parser_min_replicas": 1,
                "parser_max_replicas": 4,
                "parser_num_cpus": 0.5,
                "parser_idle_s": 2.0,
                "span_pages": 1,
            }
        ),
        SleepingEngine,
    )
    serve.run(app, name=APP, route_prefix=f"/{APP}")
    yield f"{url}/{APP}"
    serve.delete(APP)


def replicas() -> int:
    return serve.status().applications[APP].deployments["Parser"].replica_states.get("RUNNING", 0)


async def test_a_long_document_scales_parsers_up_and_idleness_scales_them_down(scaling_url: str) -> None:
    async with httpx.AsyncClient(base_url=scaling_url, timeout=60) as http:
        assert replicas() == 1
        files = [("files", (f"{i}.pdf", b"60")) for i in range(4)]
        job = (await http.post("/submit", files=files)).json()["job_id"]
        most = 1
        while (status := (await http.get(f"/jobs/{job}", params={"wait": 1})).json())["status"] != "completed":
            most = max(most, replicas())
        progress = status["progress"]
    assert most > 1
    assert (progress["pages_total"], progress["pages_done"], progress["pages_failed"]) == (240, 240, 0)
    give_up = time.monotonic() + PATIENCE_S
    while replicas() > 1 and time.monotonic() < give_up:  # noqa: ASYNC110 - Serve has no event for it
        await asyncio.sleep(0.5)
    assert replicas() == 1

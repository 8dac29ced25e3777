"""Serve's autoscaler follows the dispatcher's work: parsers come with a backlog and go when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

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
                "parser_idle_s": 1.0,
                "span_pages": 1,
            }
        ),
        SleepingEngine,
    )
    serve.run(app, name=APP, route_prefix=f"/{APP}")
    yield f"{url}/{APP}"
    serve.delete(APP)


def wait_until(reached: Callable[[], bool]) -> None:
    """Serve has no event for it."""
    give_up = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def replicas() -> int:
    return serve.status().applications[APP].deployments["Parser"].replica_states.get("RUNNING", 0)


def test_a_long_document_scales_parsers_up_and_idleness_scales_them_down(scaling_url: str) -> None:
    with httpx.Client(base_url=scaling_url, timeout=60) as http:
        assert replicas() == 1
        long = http.post("/submit", files={"files": ("long.pdf", b"2000")}).json()["job_id"]
        wait_until(lambda: replicas() > 1)
        other = http.post("/submit", files={"files": ("other.pdf", b"20")}).json()["job_id"]
        assert http.get(f"/jobs/{other}/results", params={"wait": 60}).json()["results"]["total_nodes"] == 20
        assert http.post(f"/jobs/{long}/cancel").status_code == 202
    wait_until(lambda: replicas() == 1)

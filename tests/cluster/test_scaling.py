"""Serve's autoscaler follows the dispatcher's work: a backlog adds parsers, and idle parsers are removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import serve

from client import DoclingParserClient
from serve_app.app import compose
from serve_app.local import NO_ACCESS_LOG
from serve_app.settings import Settings
from tests.cluster.gated import GatedEngine
from tests.waiting import eventually

APP = "scaling"
PAGES = 60
PATIENCE_S = 120  # for Serve's controller on a busy machine; not what is measured


@pytest.fixture
def scaling_url(url: str, settings: Settings) -> Iterator[str]:
    """A second application on the same cluster, with a journal and parsers of its own."""
    app = compose(
        settings.model_copy(
            update={
                "database_url": f"sqlite:///{settings.state_dir}/scaling.db",
                "blob_url": f"{settings.state_dir}/scaling-blobs",
                "model_endpoints": "",  # no process that asks models
                "parser_min_replicas": 1,
                "parser_max_replicas": 2,
                "parser_num_cpus": 0.5,
                "parser_idle_s": 1.0,
                "span_pages": 1,
                "page_deadline_s": PATIENCE_S,  # a page waits until the fleet has grown
            }
        ),
        GatedEngine,
    )
    serve.run(app, name=APP, route_prefix=f"/{APP}", logging_config=NO_ACCESS_LOG)
    yield f"{url}/{APP}"
    serve.delete(APP)


def replicas() -> int:
    return serve.status().applications[APP].deployments["Parser"].replica_states.get("RUNNING", 0)


def pages_of(results: dict[str, Any]) -> list[int]:
    """The page of each node of a job of one file."""
    (result,) = results["results"]
    return [node["metadata"]["page_number"] for node in result["nodes"]]


def test_nothing_is_lost_while_a_backlog_scales_parsers_up_and_idleness_down(scaling_url: str, tmp_path: Path) -> None:
    gate, long, small = tmp_path / "gate", tmp_path / "long.pdf", tmp_path / "small.pdf"
    long.write_text(f"{PAGES} {gate}")
    small.write_text("1")
    with DoclingParserClient(scaling_url) as client:
        assert replicas() == 1
        job_id = client.submit_job(long)["job_id"]
        # In the middle of the document, which the gate holds there.
        eventually(lambda: replicas() > 1, within_s=PATIENCE_S, every_s=0.2, what="a second parser")
        gate.touch()
        assert pages_of(client.wait_for_results(job_id)) == list(range(1, PAGES + 1))
        done: list[list[int]] = []

        def alone_after_a_job() -> bool:  # one small job at a time keeps no second parser busy
            done.append(pages_of(client.submit_and_wait(small)))
            return replicas() == 1

        eventually(alone_after_a_job, within_s=PATIENCE_S, every_s=0.2, what="one parser is left")
        assert all(pages == [1] for pages in done)

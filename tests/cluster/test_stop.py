"""Stopping one application of a cluster, and only that one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from ray import serve
from starlette.requests import Request

from actors.handles.registry_lifecycle import end_registry, open_registry
from actors.messages import InputFile, JobSpec
from actors.registry.config import RegistryConfig
from client.models import ParseOptions
from serve_app.local import http_of_running_serve, stop
from serve_app.settings import Settings


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0})
class Other:
    async def __call__(self, request: Request) -> str:
        return "other"


def test_a_stopped_application_leaves_its_journal_to_the_next_one_and_others_alone(
    http: httpx.Client, tmp_path: Path
) -> None:
    config = RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/journal.db", max_queued_jobs=1, max_queued_bytes=10, job_ttl_s=60.0
    )
    spec = JobSpec(
        job_id="j",
        files=(InputFile(filename="a", blob="b", size=1, sha256=""),),
        options=ParseOptions(),
        submitted_at=0.0,
    )
    serve.run(Other.bind(), name="other", route_prefix="/other")
    asyncio.run(open_registry(config, app="other", on_head=True).submit(spec))
    assert stop("other")
    assert "other" not in serve.status().applications
    assert not stop("other"), "there is nothing left to stop"
    assert http.get("/readyz").status_code == 200
    again = asyncio.run(open_registry(config, app="next", on_head=True).get("j"))
    assert end_registry("next")
    assert again is not None


def test_the_address_of_a_serve_that_runs_already_is_known(url: str, settings: Settings) -> None:
    running = http_of_running_serve()
    assert running is not None
    assert (running.host, running.port) == (settings.host, settings.port)

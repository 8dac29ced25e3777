"""The registry, a detached actor, after a new deployment of its application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from actors.errors import QueueFull
from actors.handles.registry_lifecycle import NAMESPACE, open_registry
from actors.messages import InputFile, JobSpec
from actors.registry.registry import RegistryConfig
from client.models import JobStatusEnum, ParseOptions

APP = "redeployed"


def running() -> ray.actor.ActorHandle:
    return ray.get_actor(f"{APP}:JobRegistry", namespace=NAMESPACE)


def spec(job_id: str) -> JobSpec:
    file = InputFile(filename="a.md", blob=f"inputs/{job_id}/0", size=1, sha256="00")
    return JobSpec(job_id=job_id, files=(file,), options=ParseOptions(), submitted_at=0.0)


@pytest.fixture
def config(ray_cluster: None, tmp_path: Path) -> Iterator[RegistryConfig]:
    yield RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/journal.db", max_queued_jobs=10, max_queued_bytes=1000, job_ttl_s=60.0
    )
    ray.kill(running())


async def test_a_deployment_with_other_settings_has_a_registry_with_them_and_its_jobs(config: RegistryConfig) -> None:
    first = open_registry(config, app=APP, on_head=False)
    await first.submit(spec("kept"))
    before = running()
    open_registry(config, app=APP, on_head=False)
    assert running() == before
    changed = open_registry(replace(config, max_queued_jobs=1), app=APP, on_head=False)
    assert running() != before
    kept = await changed.get("kept")
    assert kept
    assert kept.status is JobStatusEnum.PENDING
    with pytest.raises(QueueFull):
        await changed.submit(spec("too many"))

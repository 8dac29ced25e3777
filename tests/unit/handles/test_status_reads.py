"""Reads of a real registry through two handles, as two processes have them. A fake stands in for Ray's actor."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError

from actors.errors import FleetUnavailable, JobExpired, JobNotFound
from actors.handles import job_waits
from actors.handles.registry import RegistryHandle
from actors.messages import InputFile, JobOutcome, JobSpec
from actors.registry.change_clock import ChangeClockReader
from actors.registry.registry import JobRegistry, RegistryConfig
from client.models import JobStatusEnum, ParseOptions

FILE = InputFile(filename="a.pdf", blob="b", size=1, sha256="00")


class Actor:
    """Counts the calls of a registry."""

    def __init__(self, registry: JobRegistry) -> None:
        self.registry = registry
        self.calls: Counter[str] = Counter()

    def __getattr__(self, method: str) -> Any:
        def remote(*args: Any, **options: Any) -> Any:
            self.calls[method] += 1
            return getattr(self.registry, method)(*args, **options)

        return SimpleNamespace(remote=remote)


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
async def actor(tmp_path: Path, now: list[float]) -> AsyncIterator[Actor]:
    config = RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/journal.db",
        max_queued_jobs=10,
        max_queued_bytes=10,
        job_ttl_s=10.0,
        clock_file=str(tmp_path / "changes"),
    )
    registry = JobRegistry(config, lambda: now[0])
    yield Actor(registry)
    await registry.close()


@pytest.fixture
def make_handle(actor: Actor, tmp_path: Path) -> Callable[[], RegistryHandle]:
    return lambda: RegistryHandle(actor, lambda: actor, ChangeClockReader(tmp_path / "changes"))  # type: ignore[arg-type]


async def test_a_job_is_read_once_and_then_its_changes_are_heard_of(
    actor: Actor, make_handle: Callable[[], RegistryHandle]
) -> None:
    ingress, other = make_handle(), make_handle()
    await other.submit(JobSpec(job_id="a", files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    for _ in range(3):
        view = await ingress.get("a")
        assert view is not None
        assert view.status is JobStatusEnum.PENDING
    assert actor.calls["read"] == 1

    [claim] = await other.claim("d", 1, 0.0, [])
    for handle in (other, ingress):
        view = await handle.get("a")
        assert view is not None
        assert view.status is JobStatusEnum.PROCESSING
    assert actor.calls["read"] == 2, "the other process has not read it before"

    await other.finish("a", claim.lease, JobOutcome())
    for _ in range(3):
        view = await ingress.get("a")
        assert view is not None
        assert view.status is JobStatusEnum.COMPLETED
    assert actor.calls["read"] == 2


async def test_a_job_that_is_deleted_or_has_expired_is_gone_in_every_process(
    actor: Actor, make_handle: Callable[[], RegistryHandle], now: list[float]
) -> None:
    ingress, other = make_handle(), make_handle()
    for job_id in ("a", "b"):
        await other.submit(JobSpec(job_id=job_id, files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    for claim in await other.claim("d", 2, 0.0, []):
        await other.finish(claim.spec.job_id, claim.lease, JobOutcome())
    assert [await ingress.get(job_id) is not None for job_id in ("a", "b")] == [True, True]

    await other.delete("a", "")
    assert await ingress.get("a") is None
    now[0] = 11.0
    await other.forget(await other.expired(10))
    with pytest.raises(JobExpired):
        await ingress.get("b")
    with pytest.raises(JobExpired):
        await ingress.wait_ended("b", 9.0, "")
    with pytest.raises(JobNotFound):
        await ingress.wait_ended("b", 9.0, "somebody else")


async def test_a_wait_for_the_end_of_a_job_costs_one_reading(
    actor: Actor, make_handle: Callable[[], RegistryHandle]
) -> None:
    ingress, other = make_handle(), make_handle()
    await other.submit(JobSpec(job_id="a", files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    waits = [asyncio.create_task(ingress.wait_ended("a", 9.0, owner)) for owner in ("", None)]
    [claim] = await other.claim("d", 1, 0.0, [])
    await other.finish("a", claim.lease, JobOutcome())
    assert [job.status for job in await asyncio.gather(*waits)] == [JobStatusEnum.COMPLETED] * 2
    assert actor.calls["read"] == 1
    assert actor.calls["wait_ended"] == 0


async def test_a_wait_returns_at_the_next_change(actor: Actor, make_handle: Callable[[], RegistryHandle]) -> None:
    ingress, other = make_handle(), make_handle()
    view = await other.submit(JobSpec(job_id="a", files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    waiting = asyncio.create_task(ingress.wait("a", view.version, 9.0))
    await other.claim("d", 1, 0.0, [])
    assert (await waiting).status is JobStatusEnum.PROCESSING
    assert actor.calls["wait"] == 0


async def test_a_wait_that_runs_out_gives_the_job_with_its_place_in_the_queue(
    make_handle: Callable[[], RegistryHandle],
) -> None:
    ingress = make_handle()
    for job_id in ("a", "b"):
        await ingress.submit(JobSpec(job_id=job_id, files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    view = await ingress.wait_ended("b", 0.01, "")
    assert (view.status, view.queue_position) == (JobStatusEnum.PENDING, 2)


async def test_a_wait_for_the_job_of_another_owner_or_for_none_fails_at_once(
    make_handle: Callable[[], RegistryHandle],
) -> None:
    ingress = make_handle()
    await ingress.submit(JobSpec(job_id="a", files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    for job_id, owner in (("a", "somebody else"), ("none", "")):
        with pytest.raises(JobNotFound):
            await ingress.wait_ended(job_id, 9.0, owner)


async def test_a_wait_notices_that_the_registry_is_gone(
    actor: Actor, make_handle: Callable[[], RegistryHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_waits, "ASK_EVERY_S", 0.01)
    ingress = make_handle()
    await ingress.submit(JobSpec(job_id="a", files=(FILE,), options=ParseOptions(), submitted_at=0.0))
    assert await ingress.get("a")
    monkeypatch.setattr(actor.registry, "read", gone)
    with pytest.raises(FleetUnavailable):
        await ingress.wait_ended("a", 9.0, "")


async def gone(*_: Any) -> None:
    raise ActorUnavailableError("gone", None)

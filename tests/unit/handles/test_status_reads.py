"""Reads of a real registry through two handles, as two processes have them. A fake stands in for Ray's actor."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.errors import JobExpired
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
        def remote(*args: Any) -> Any:
            self.calls[method] += 1
            return getattr(self.registry, method)(*args)

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


async def test_a_job_is_read_once_until_something_changes(
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
    assert actor.calls["read"] == 3

    await other.finish("a", claim.lease, JobOutcome())
    for _ in range(3):
        view = await ingress.get("a")
        assert view is not None
        assert view.status is JobStatusEnum.COMPLETED
    assert actor.calls["read"] == 4


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

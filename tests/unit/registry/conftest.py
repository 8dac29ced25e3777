"""Builders for the registry's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.messages import InputFile, JobSpec
from actors.registry.ledger import Ledger, Limits
from actors.registry.record import Recovered
from client.models import ParseOptions

LIMITS = Limits(lease_ticks=3, max_deliveries=3, max_queued_jobs=10, max_queued_bytes=1000)


@pytest.fixture
def make_spec() -> Callable[..., JobSpec]:
    def make(job_id: str, *, size: int = 1, **more: Any) -> JobSpec:
        file = InputFile(filename="a.pdf", blob=f"inputs/{job_id}/0", size=size, sha256="00")
        return JobSpec(job_id=job_id, files=(file,), options=ParseOptions(), submitted_at=0.0, **more)

    return make


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Recovered(epoch=1, last_seq=0, unfinished=[]), LIMITS)


@pytest.fixture
def restart() -> Callable[[Ledger], Ledger]:
    def again(ledger: Ledger) -> Ledger:
        """A ledger that recovers this one's jobs, as a new process does."""
        return Ledger(Recovered(epoch=2, last_seq=9, unfinished=ledger.jobs), LIMITS)

    return again

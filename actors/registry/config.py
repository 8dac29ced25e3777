"""The settings of a registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from actors.registry.ledger import Limits

_LIMITS = ("max_queued_jobs", "max_queued_bytes", "max_queued_jobs_of_owner", "max_queued_bytes_of_owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """`shard` is the number of this registry among those of a service. `job_ttl_s`: how long ended jobs are kept.
    `tombstone_ttl_s`: how long after that they are reported as expired. `clock_file`: a file of the registry's machine
    that shows the number of the newest change."""

    database_url: str
    shard: int = 0
    max_queued_jobs: int
    max_queued_bytes: int
    job_ttl_s: float
    tombstone_ttl_s: float = 7 * 24 * 3600.0
    lease_ticks: int = 20  # of one second each: this is how long a dead dispatcher delays its jobs
    max_deliveries: int = 3
    max_queued_jobs_of_owner: int | None = None
    max_queued_bytes_of_owner: int | None = None
    clock_file: str | None = None

    def of_shards(self, count: int) -> list[Self]:
        """The settings of `count` registries that share the work of one. Each has its even part of every limit."""
        even = {name: -(-limit // count) for name in _LIMITS if (limit := getattr(self, name)) is not None}
        clock = self.clock_file
        return [replace(self, shard=shard, clock_file=clock and f"{clock}-{shard}", **even) for shard in range(count)]

    def limits(self) -> Limits:
        return Limits(
            lease_ticks=self.lease_ticks,
            max_deliveries=self.max_deliveries,
            max_queued_jobs=self.max_queued_jobs,
            max_queued_bytes=self.max_queued_bytes,
            max_queued_jobs_of_owner=self.max_queued_jobs_of_owner,
            max_queued_bytes_of_owner=self.max_queued_bytes_of_owner,
        )

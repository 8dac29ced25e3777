"""The JobRegistry as it runs in a process of its own."""

from __future__ import annotations

from actors.registry.registry import JobRegistry, RegistryConfig
from actors.telemetry.export import observe


class JobRegistryActor(JobRegistry):
    """Plain, as all the rooms' classes; wrapped in `actors.handles`."""

    def __init__(self, config: RegistryConfig) -> None:
        observe("registry")
        super().__init__(config)

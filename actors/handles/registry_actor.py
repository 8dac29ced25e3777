"""The JobRegistry in its own process."""

from __future__ import annotations

from actors.handles.metrics_exporter import observe
from actors.registry.registry import JobRegistry, RegistryConfig


class JobRegistryActor(JobRegistry):
    """A JobRegistry that exports its metrics and spans. A plain class; `registry_lifecycle` makes it an actor."""

    def __init__(self, config: RegistryConfig) -> None:
        observe("registry")
        super().__init__(config)

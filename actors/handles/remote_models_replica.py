"""The process that asks the remote models."""

from __future__ import annotations

from actors.handles.metrics_exporter import observe
from actors.remote_models.models import RemoteModels, RemoteModelsConfig


class RemoteModelsReplica(RemoteModels):
    """Asks the remote models for the whole cluster: one process, so that it can count."""

    def __init__(self, config: RemoteModelsConfig) -> None:
        observe("remote_models")
        super().__init__(config)

    async def __del__(self) -> None:
        """Serve awaits this when it retires a replica."""
        await self.close()

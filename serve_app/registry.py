"""The registry of the application, opened from the settings by each process that uses it."""

from __future__ import annotations

from ray import serve

from actors.handles.registry import RegistryHandle
from actors.handles.registry_lifecycle import open_registry
from actors.handles.registry_shards import RegistryShards
from actors.registry.config import RegistryConfig
from serve_app.settings import Settings


def open_registry_of(settings: Settings) -> RegistryHandle | RegistryShards:
    """The registry of the application that this replica belongs to."""
    app = serve.get_replica_context().app_name
    return open_registry(registry_config(settings), app=app, on_head=settings.is_local, shards=settings.registry_shards)


def registry_config(settings: Settings) -> RegistryConfig:
    return RegistryConfig(
        database_url=settings.database_url,
        max_queued_jobs=settings.max_queued_jobs,
        max_queued_bytes=settings.max_queued_bytes,
        max_queued_jobs_of_owner=settings.key_max_queued_jobs,
        max_queued_bytes_of_owner=settings.key_max_queued_bytes,
        job_ttl_s=settings.job_ttl_s,
        # Its readers are on the machine of the registry only where both are pinned to the head node.
        clock_file=f"{settings.state_dir}/changes" if settings.is_local else None,
    )

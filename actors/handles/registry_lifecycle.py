"""Finds, creates, replaces, or ends the registry actor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.actor import ActorHandle

from actors.errors import FleetUnavailable
from actors.handles.known_jobs import NO_CLOCK
from actors.handles.registry import RegistryHandle
from actors.handles.registry_shards import RegistryShards
from actors.job_ids import MAX_SHARDS
from actors.registry.change_clock import ChangeClockReader
from actors.telemetry.retries import retry

if TYPE_CHECKING:
    from actors.registry.registry import RegistryConfig

NAMESPACE = "docfleet"
HEAD = {"node:__internal_head__": 0.001}  # Ray's own resource that only the head node has


def open_registry(
    config: RegistryConfig, *, app: str, on_head: bool, shards: int = 1
) -> RegistryHandle | RegistryShards:
    """The JobRegistry of an application, or the `shards` registries that share its work. They are created if missing,
    and replaced if their code differs from this process' or their settings differ from `config`.

    Every acknowledged change is in the journal, so a registry may be killed at any moment. `on_head` pins it to the
    head node, which holds a journal in a local folder. Blocks for seconds when a process has to start.
    """
    if shards == 1:
        return _open(config, app, on_head=on_head)
    with ThreadPoolExecutor(shards) as side_by_side:
        return RegistryShards(
            list(side_by_side.map(partial(_open, app=app, on_head=on_head), config.of_shards(shards)))
        )


def _open(config: RegistryConfig, app: str, *, on_head: bool) -> RegistryHandle:
    from actors.registry.version import version_of

    name = _name_of(app, config.shard)
    create = _actor_class(name, on_head=on_head)
    version = version_of(config)
    actor = create.remote(config)
    while ray.get(actor.version.remote()) != version:
        ray.kill(actor, no_restart=True)
        _wait_until_gone(name)
        actor = create.remote(config)

    def reopen() -> ActorHandle[Any]:
        again = create.remote(config)
        if ray.get(again.version.remote()) != version:
            raise FleetUnavailable("The job registry runs another release; this replica will be replaced soon")
        return again

    return RegistryHandle(actor, reopen, ChangeClockReader(Path(config.clock_file)) if config.clock_file else NO_CLOCK)


def end_registry(app: str) -> bool:
    """End all registries of an application, which outlive its deployments. Returns whether there was one.

    Its jobs are in the journal, where the next registry finds them.
    """
    ended = [_end(_name_of(app, shard)) for shard in range(MAX_SHARDS)]
    return any(ended)


def _end(name: str) -> bool:
    try:
        actor = ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return False
    ray.kill(actor, no_restart=True)
    _wait_until_gone(name)
    return True


def _name_of(app: str, shard: int) -> str:
    return f"{app}:JobRegistry-{shard}" if shard else f"{app}:JobRegistry"


def _actor_class(name: str, *, on_head: bool) -> Any:
    """Ray's actor class of the registry. It finds the actor of this name, or creates it."""
    from actors.handles.registry_actor import JobRegistryActor

    return ray.remote(JobRegistryActor).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=-1,
        max_concurrency=20_000,  # each waiter holds one call
        num_cpus=0,
        resources=HEAD if on_head else None,
        scheduling_strategy="DEFAULT",  # never inside the creator's placement group
    )


class ActorStillThere(Exception):
    """The killed actor still holds its name."""


@retry(on=ActorStillThere, attempts=None, timeout=30, wait_max=0.5)
def _wait_until_gone(name: str) -> None:
    with suppress(ValueError):
        ray.get_actor(name, namespace=NAMESPACE)
        raise ActorStillThere

"""The registry actor's beginning: found, created, or replaced."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
import stamina
from ray.actor import ActorHandle

from actors.errors import FleetUnavailable
from actors.handles.registry import RegistryHandle

if TYPE_CHECKING:
    from actors.registry.registry import RegistryConfig

NAMESPACE = "docfleet"
HEAD = {"node:__internal_head__": 0.001}  # Ray's own name for "on the head node"


def open_registry(config: RegistryConfig, *, app: str, on_head: bool) -> RegistryHandle:
    """The one JobRegistry of an application: found, created, or replaced when it runs other code than this process, or
    with other settings than `config`.

    Every acknowledged change is in the journal, so a registry may be killed at any moment. `on_head` pins it to
    the head node, where a journal in a local folder is. Blocks for seconds when it has to start a process.
    """
    from actors.handles.registry_actor import JobRegistryActor
    from actors.registry.version import version_of

    name = f"{app}:JobRegistry"
    create: Any = ray.remote(JobRegistryActor).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=-1,
        max_concurrency=20_000,  # waiters hold a call each
        num_cpus=0,
        resources=HEAD if on_head else None,
        scheduling_strategy="DEFAULT",  # never captured into a creator's placement group
    )
    version = version_of(config)
    actor = create.remote(config)
    while ray.get(actor.version.remote()) != version:
        ray.kill(actor, no_restart=True)
        _wait_until_gone(name)
        actor = create.remote(config)

    def reopen() -> ActorHandle[Any]:
        again = create.remote(config)
        if ray.get(again.version.remote()) != version:
            raise FleetUnavailable("Another release of the job registry runs; this replica is about to be replaced")
        return again

    return RegistryHandle(actor, reopen)


class ActorStillThere(Exception):
    """A killed actor keeps its name for a moment."""


@stamina.retry(on=ActorStillThere, attempts=None, timeout=30, wait_max=0.5)
def _wait_until_gone(name: str) -> None:
    with suppress(ValueError):
        ray.get_actor(name, namespace=NAMESPACE)
        raise ActorStillThere

"""Calls from a driver to a dispatcher. When a dispatcher dies, the call is retried on another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import ray
import stamina
from ray import serve

from actors.errors import FleetUnavailable
from actors.handles.calls import INLINE_BYTES, cancelled_with_its_caller
from actors.handles.error_mapping import dispatcher_errors

MAX_CALLS = 10_000  # concurrent calls of one driver; a call that waits for a job's results costs almost nothing
MAX_ATTEMPTS = 8  # with pauses that grow to 5 s; Serve replaces a dispatcher within seconds


class DriverClient:
    """Calls a dispatcher's `DriverApi` from any process.

    The calls go through an actor of this client, which retries calls lost when a dispatcher dies. A reference from the
    dispatcher itself would end with Ray's error instead.
    """

    def __init__(self, app: str) -> None:
        caller = ray.remote(RetryingProxy).options(
            num_cpus=0, max_restarts=-1, max_task_retries=-1, max_concurrency=MAX_CALLS
        )
        self._caller: Any = caller.remote(app)

    def call(self, method: str, *args: Any) -> ray.ObjectRef[Any]:
        """Return a reference to the result without waiting. Arguments may be references."""
        return self._caller.call.remote(method, [_shared(arg) for arg in args])


def _shared(argument: Any) -> Any:
    """Store a large array once and pass its reference, so that retries do not store it again."""
    large = isinstance(argument, np.ndarray) and argument.nbytes > INLINE_BYTES
    return ray.put(argument) if large else argument


class RetryingProxy:
    """Calls a dispatcher's `DriverApi`, and another dispatcher's when the first one dies. Every call may be repeated.

    Raises DocfleetErrors; FleetUnavailable when the dispatchers keep dying.
    """

    def __init__(self, app: str) -> None:
        self._handle = serve.get_deployment_handle("Dispatcher", app).options(_by_reference=True)

    async def call(self, method: str, args: Sequence[Any]) -> Any:
        async for attempt in stamina.retry_context(on=FleetUnavailable, attempts=MAX_ATTEMPTS, timeout=None):
            with attempt, dispatcher_errors():
                async with cancelled_with_its_caller(getattr(self._handle, method).remote(*args)) as response:
                    return await response
        raise AssertionError("the last attempt raises")

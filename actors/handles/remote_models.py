"""The deployment that asks the remote models, as a typed facade."""

from __future__ import annotations

from typing import Any

import ray
from ray.serve.handle import DeploymentHandle

from actors.handles.calls import cancelled_with_its_caller
from actors.handles.error_mapping import remote_model_errors
from actors.messages import Shard
from actors.questions import Answers, Questions


class RemoteModelsHandle:
    """One replica, which asks for everybody. A call that it did not survive is made again by the caller."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle.options(_by_reference=True)

    async def read(self, job_id: str, shard: ray.ObjectRef[Shard]) -> tuple[ray.ObjectRef[Shard], Shard]:
        """The shard with its answers, and a reference to it that this process owns.

        Raises ModelUnavailable; FleetUnavailable when the replica died; ResultLost when the shard is gone.
        """
        with remote_model_errors():
            async with cancelled_with_its_caller(self._handle.read.remote(job_id, shard)) as response:
                ref: ray.ObjectRef[Shard] = await response._to_object_ref()
                return ref, await ref

    async def ask(self, job_id: str, questions: Questions) -> Answers:
        """The answers, by the numbers of the questions. Raises ModelUnavailable and FleetUnavailable."""
        with remote_model_errors():
            async with cancelled_with_its_caller(self._handle.ask.remote(job_id, questions)) as response:
                answers: Answers = await response
                return answers

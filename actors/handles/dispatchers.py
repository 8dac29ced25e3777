"""The dispatcher deployment as the ingress sees it."""

from __future__ import annotations

from typing import Any

from ray.serve.handle import DeploymentHandle

from actors.derivations import Derivation
from actors.handles.calls import cancelled_with_its_caller
from actors.handles.error_mapping import dispatcher_errors
from actors.messages import PartialFile


class DispatcherHandle:
    """The dispatchers. They know the partial results of running jobs, and make derivations."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle.options(_by_reference=True)

    async def partial_files(self, job_id: str, holder: str) -> list[PartialFile] | None:
        """A running job's files as far as they are parsed; None when `holder`, a dispatcher, does not hold the job.

        Raises FleetUnavailable.
        """
        with dispatcher_errors():
            asked = self._meant_for(holder).partial_files.remote(job_id)
            async with cancelled_with_its_caller(asked) as response:
                files: list[PartialFile] | None = await response
                return files

    async def derive(self, wanted: Derivation) -> bytes | None:
        """Make a derivation, as `Deriver.derive` describes it. Raises its errors, and FleetUnavailable."""
        with dispatcher_errors():
            asked = self._meant_for(wanted.target).derive.remote(wanted)
            async with cancelled_with_its_caller(asked) as response:
                unstored: bytes | None = await response
                return unstored

    def _meant_for(self, hint: str) -> DeploymentHandle[Any]:
        """The handle whose calls `DispatcherRouter` routes by `hint`."""
        return self._handle.options(session_id=hint)

"""The dispatcher deployment as the ingress sees it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ray.serve.handle import DeploymentHandle

from actors.handles.calls import cancelled_with_its_caller
from actors.handles.error_mapping import dispatcher_errors
from actors.messages import PartialFile
from client.models import Content, ExportFormat


class DispatcherHandle:
    """The dispatchers. They know the partial results of running jobs, and make exports of stored documents."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle.options(_by_reference=True)

    async def partial_files(self, job_id: str) -> list[PartialFile] | None:
        """A running job's files as far as they are parsed; None when no dispatcher holds the job.

        Raises FleetUnavailable.
        """
        with dispatcher_errors():
            async with cancelled_with_its_caller(self._handle.partial_files.remote(job_id)) as response:
                files: list[PartialFile] | None = await response
                return files

    async def export(
        self, job_id: str, document: str, target: str, form: ExportFormat, content: Collection[Content]
    ) -> bytes | None:
        """Make an export, as `Exporter.export` describes it. Raises its errors, and FleetUnavailable."""
        call = self._handle.export.remote(job_id, document, target, form, content)
        with dispatcher_errors():
            async with cancelled_with_its_caller(call) as response:
                exported: bytes | None = await response
                return exported

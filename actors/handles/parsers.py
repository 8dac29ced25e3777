"""The parser deployment as a typed facade."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from ray.serve.handle import DeploymentHandle

from actors.derivations import Derivation, Made
from actors.documents import DocumentBytes
from actors.errors import ModelUnavailable
from actors.handles.calls import INLINE_BYTES, cancelled_with_its_caller
from actors.handles.error_mapping import parser_errors
from actors.handles.remote_models import RemoteModelsHandle
from actors.handles.replicas import running_replicas
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.questions import Answers, Questions
from client.models import PageFailure, ParseOptions, ParserInfo


@dataclass(frozen=True, slots=True)
class ShardRef:
    """A reference to a parsed span. Its pages stay in the object store, owned by the dispatcher that asked for them.

    Code here must not read the pages: reading pins a copy in the dispatcher's process, which
    its node could drop otherwise.
    """

    ref: ray.ObjectRef[Shard]
    span: PageSpan
    lost: tuple[PageFailure, ...]
    asks: bool = False
    seconds: float = 0.0

    @classmethod
    def of(cls, ref: ray.ObjectRef[Shard], shard: Shard) -> ShardRef:
        return cls(ref, shard.span, shard.lost, shard.questions is not None, shard.seconds)


class ParserHandle:
    """The parser replicas, behind Serve's router and autoscaler, and the remote models that they ask.

    `models` is None on a server without model endpoints, whose parsers ask nothing.
    """

    def __init__(self, handle: DeploymentHandle[Any], models: RemoteModelsHandle | None = None) -> None:
        self._models = models
        # Pass by reference even if the environment says otherwise: by value, gRPC limits a message to 4 MiB.
        self._handle = handle.options(_by_reference=True)
        self._app = handle.deployment_id.app_name

    async def put(self, data: bytes | memoryview) -> ray.ObjectRef[DocumentBytes] | DocumentBytes:
        """Put a document into the object store, owned by this process. Small documents are returned as they are.

        Parsers on the same node share its memory.
        """
        document = np.frombuffer(data, dtype=np.uint8)
        if len(data) <= INLINE_BYTES:
            return document
        return await asyncio.to_thread(ray.put, document)

    async def open(self, document: Any, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        return await self._call("open", document, task, split_above)

    async def parse_pages(self, document: Any, task: FileTask, span: PageSpan) -> ShardRef:
        with parser_errors():
            async with cancelled_with_its_caller(self._handle.parse_pages.remote(document, task, span)) as response:
                ref: ray.ObjectRef[Shard] = await response._to_object_ref()
                return ShardRef.of(ref, await ref)

    async def read(self, shard: Any, task: FileTask) -> ShardRef:
        return ShardRef.of(*await self._asking().read(task.job_id, shard.ref))

    async def assemble(
        self, document: Any, task: FileTask, lost: Sequence[PageFailure], shards: Sequence[Any]
    ) -> ParsedFile:
        return await self._call("assemble", document, task, list(lost), *(shard.ref for shard in shards))

    async def ask(self, task: FileTask, questions: Questions) -> Answers:
        return await self._asking().ask(task.job_id, questions)

    async def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        return await self._call("describe_pictures", parsed, task, answers)

    async def derive(self, source: Any, wanted: Derivation) -> Made:
        return await self._call("derive", source, wanted)

    async def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        return await self._call("describe", options)

    def running(self) -> int:
        """The number of live replicas; each works on one call at a time."""
        return running_replicas(self._app)

    def _asking(self) -> RemoteModelsHandle:
        if self._models is None:  # the endpoints were removed while the parsers still had them
            raise ModelUnavailable("This server has no model endpoints")
        return self._models

    async def _call(self, method: str, *args: Any) -> Any:
        with parser_errors():
            async with cancelled_with_its_caller(getattr(self._handle, method).remote(*args)) as response:
                return await response

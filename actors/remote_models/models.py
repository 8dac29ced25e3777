"""Answers the questions of the whole cluster: one process, so that the limits of the endpoints hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx

from actors.egress.http import TLS
from actors.endpoints import Endpoints
from actors.errors import ModelUnavailable
from actors.messages import Shard
from actors.questions import Answer, Answers, Questions
from actors.remote_models.cancelled_jobs import CancelledJobs
from actors.remote_models.model import CONNECT_S, Clock, RemoteModel, Sleep
from client.models import PageFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModelsConfig:
    """The endpoints, and the keys of those that have one."""

    endpoints: Endpoints
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


class RemoteModels:
    """All endpoints by name. Requests end when their caller is cancelled, and its job begins no others."""

    def __init__(
        self, config: RemoteModelsConfig, *, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client = httpx.AsyncClient(
            verify=TLS,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=CONNECT_S),  # the whole request has a limit of its own
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )
        cancelled = CancelledJobs(clock)
        self._models = {
            name: RemoteModel(name, endpoint, config.keys.get(name, ""), client, cancelled, clock=clock, sleep=sleep)
            for name, endpoint in config.endpoints.items()
        }

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def ask(self, job_id: str, questions: Questions) -> Answers:
        """The answer about each picture. Raises ModelUnavailable; then the requests under way end."""
        model = self._models.get(questions.endpoint)
        if model is None:
            raise ModelUnavailable(f"This server has no model endpoint '{questions.endpoint}' any more")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    number: group.create_task(model.ask(job_id, questions, number)) for number in questions.pictures
                }
        except* ModelUnavailable as down:
            raise _first(down) from None
        return {number: task.result() for number, task in tasks.items()}

    async def read(self, job_id: str, shard: Shard) -> Shard:
        """The shard with the answers to its questions, and without their pictures."""
        assert shard.questions is not None  # the parser had pages to ask about
        answers = await self.ask(job_id, shard.questions)
        lost = (*shard.lost, *_failures(answers))
        return replace(shard, questions=None, answers=answers, lost=tuple(sorted(lost, key=_page)))


def _failures(answers: Mapping[int, Answer]) -> list[PageFailure]:
    return [PageFailure(page_number=page, reason=answer.failure) for page, answer in answers.items() if answer.failure]


def _page(failure: PageFailure) -> int:
    return failure.page_number


def _first(group: BaseExceptionGroup[ModelUnavailable]) -> ModelUnavailable:
    """One of the errors of a group: they all say the same."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error

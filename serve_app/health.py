"""Whether the service is up, and what it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from actors.errors import DocfleetError, FleetUnavailable
from actors.messages import QueueStats
from client.models import HealthResponse, ParserInfo
from serve_app.ports import IngressRegistry, Parsers
from serve_app.settings import Settings

T = TypeVar("T")

#: How long a probe waits for a part of the service, in seconds.
PATIENCE_S = 2.0


class Health:
    def __init__(self, jobs: IngressRegistry, parsers: Parsers, settings: Settings, version: str) -> None:
        self._jobs = jobs
        self._parsers = parsers
        self._settings = settings
        self._version = version
        self._parser: ParserInfo | None = None

    async def report(self) -> HealthResponse:
        """`GET /health`: always an answer, with what is known at the moment."""
        parser, stats = await asyncio.gather(self._described(), _within(self._jobs.stats()))
        counts = stats or QueueStats(queued=0, running=0)
        return HealthResponse(
            status="healthy" if stats and self._can_parse(parser) else "initializing",
            version=self._version,
            config=self._settings.public_config,
            parser=parser,
            replicas=self._parsers.running(),
            queued=counts.queued,
            running=counts.running,
        )

    async def check_ready(self) -> None:
        """Raises FleetUnavailable when a job could not be taken or parsed."""
        parser, stats = await asyncio.gather(self._described(), _within(self._jobs.stats()))
        if stats is None:
            raise FleetUnavailable("The job registry does not answer")
        if not self._can_parse(parser):
            raise FleetUnavailable("No parser is ready: they are loading their models, or are being replaced")

    def _can_parse(self, parser: ParserInfo | None) -> bool:
        """A fleet that may shrink to nothing is started by the first job."""
        lives = parser is not None and self._parsers.running() > 0
        return lives or self._settings.parser_min_replicas == 0

    async def _described(self) -> ParserInfo | None:
        """Asked until it is known: what parses changes with the deployment only, and a busy parser answers late.

        A fleet that has shrunk to nothing is not asked: the question would start a parser.
        """
        if self._parser is None and (self._settings.parser_min_replicas > 0 or self._parsers.running() > 0):
            self._parser = await _within(self._parsers.describe())
        return self._parser


async def _within(answer: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await asyncio.wait_for(answer, PATIENCE_S)
    except (TimeoutError, DocfleetError):
        return None

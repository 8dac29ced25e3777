"""Health and readiness of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from actors.errors import DocfleetError, FileError, FleetUnavailable
from actors.registry_answers import QueueStats
from client.models import HealthResponse, ParseOptions, ParserInfo
from client.options import ENRICHMENTS
from serve_app.ports import IngressRegistry, Parsers
from serve_app.settings import Settings

T = TypeVar("T")

#: Seconds that a probe waits for a part of the service.
PATIENCE_S = 2.0


class Health:
    def __init__(self, jobs: IngressRegistry, parsers: Parsers, settings: Settings, version: str) -> None:
        self._jobs = jobs
        self._parsers = parsers
        self._settings = settings
        self._version = version
        self._parser: ParserInfo | None = None
        self._refusals: dict[ParseOptions, str] = {}  # they only change with the deployment

    async def report(self) -> HealthResponse:
        """The body of `GET /health`. It always answers, with the information that is available."""
        parser, stats = await asyncio.gather(self._described(), _within(self._jobs.stats()))
        counts = stats or QueueStats(queued=0, running=0)
        return HealthResponse(
            status=self._settings.health_status if stats and self._can_parse(parser) else "initializing",
            version=self._version,
            config=self._settings.public_config,
            parser=parser,
            replicas=self._parsers.running(),
            queued=counts.queued,
            running=counts.running,
        )

    async def parser(self) -> ParserInfo | None:
        """The profile and models that parse by default; None while no parser answers."""
        return await self._described()

    async def can_parse_with(self, options: ParseOptions) -> bool:
        """Whether the parsers can parse with these options. No, while none answers."""
        asked = self._parsers.running() > 0
        return asked and await _within(self._parsers.describe(options)) is not None

    async def enrichments(self) -> list[str]:
        """The options about single items that the parsers do not refuse."""
        return [name for name in ENRICHMENTS if not await self.refusal(ParseOptions.model_validate({name: True}))]

    async def refusal(self, options: ParseOptions) -> str:
        """Why the parsers refuse the options about single items; "" if they do not, or while none answers."""
        wanted = {name: True for name in ENRICHMENTS if getattr(options, name)}
        if not wanted or self._parsers.running() == 0:
            return ""
        asked = ParseOptions.model_validate({"profile": options.profile, **wanted})
        if asked not in self._refusals:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._parsers.describe(asked)
            except FileError as error:
                self._refusals[asked] = error.message
            except (TimeoutError, DocfleetError):
                return ""  # then the file fails with the same reason
            else:
                self._refusals[asked] = ""
        return self._refusals[asked]

    async def check_ready(self) -> None:
        """Raises FleetUnavailable when the service cannot accept or parse a job."""
        parser, stats = await asyncio.gather(self._described(), _within(self._jobs.stats()))
        if stats is None:
            raise FleetUnavailable("The job registry does not answer. Try again later")
        if not self._can_parse(parser):
            raise FleetUnavailable("No parser is ready: they are loading their models or restarting. Try again later")

    def _can_parse(self, parser: ParserInfo | None) -> bool:
        """With PARSER_MIN_REPLICAS=0 there may be no parser: the first job starts one."""
        lives = parser is not None and self._parsers.running() > 0
        return lives or self._settings.parser_min_replicas == 0

    async def _described(self) -> ParserInfo | None:
        """The description of the parser. It only changes with the deployment, so the first answer is kept.

        Does not ask when there may be no parser: the call would start one.
        """
        if self._parser is None and (self._settings.parser_min_replicas > 0 or self._parsers.running() > 0):
            self._parser = await _within(self._parsers.describe())
        return self._parser


async def _within(answer: Coroutine[Any, Any, T]) -> T | None:
    try:
        async with asyncio.timeout(PATIENCE_S):  # Python 3.11's wait_for can swallow a cancellation
            return await answer
    except (TimeoutError, DocfleetError):
        return None

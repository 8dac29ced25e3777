"""The Parser in its own process. The process imports this module and not the whole application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from actors.handles.metrics_exporter import observe
from actors.handles.resources import memory_share
from actors.parser.parser import EngineFactory, Parser, ParserConfig

#: A healthy replica looks so often whether it still is, in seconds, and answers Serve's question after so many looks.
#: Serve takes 30 s without an answer for a failure.
LOOK_EVERY_S = 2.0
LOOKS = 5


class LiveSettings(BaseModel):
    """The settings of parsers that a `user_config` may change while they run. None keeps the value of the start."""

    model_config = ConfigDict(extra="forbid")

    page_deadline_s: Annotated[float, Field(gt=0)] | None = None
    parser_max_pages: Annotated[int, Field(ge=0)] | None = None


class ParserReplica(Parser):
    """A Parser that exports its metrics and spans. Its memory limit is its share of the memory of its machine.

    A plain class; `serve_app.app` makes it a deployment.
    """

    def __init__(self, config: ParserConfig, make_engine: EngineFactory) -> None:
        observe("parser")
        limit = config.max_memory or memory_share(num_cpus=config.num_cpus, num_gpus=config.num_gpus)
        super().__init__(replace(config, max_memory=limit), make_engine)
        self._first_config = self.config
        self._has_started = False

    async def check_health(self) -> None:
        """Raises RuntimeError when this replica should be replaced.

        A healthy one delays its answer: while Serve waits for it, Serve learns at once that the process has ended.
        Otherwise it would learn that at its next check, seconds later. The first answer is not delayed, because Serve
        sends no calls before it.
        """
        looks, self._has_started = LOOKS if self._has_started else 0, True
        await super().check_health()
        for _ in range(looks):
            await asyncio.sleep(LOOK_EVERY_S)
            await super().check_health()

    def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Take over LiveSettings. Serve calls this at the start, and when only the `user_config` has changed.

        Raises pydantic's ValidationError.
        """
        live, first = LiveSettings.model_validate(user_config), self._first_config
        self.config = replace(
            first,
            max_pages=first.max_pages if live.parser_max_pages is None else live.parser_max_pages or None,
            page_deadline_s=live.page_deadline_s or first.page_deadline_s,
        )

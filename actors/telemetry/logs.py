"""How every process of docfleet logs: one event and its fields a line, on stderr, which Ray collects.

JSON when `LOG_FORMAT=json`, readable lines otherwise. Tracebacks never show local variables: they may hold a password
or a document.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog


def get_logger() -> Any:
    """A structured logger: `log.warning("page_lost", page=...)`."""
    if not structlog.is_configured():
        _configure(as_json=os.environ.get("LOG_FORMAT") == "json")
    return structlog.get_logger()


def bound_context(**fields: str | int) -> AbstractContextManager[None]:
    """Puts `fields` into every line that this task or thread logs meanwhile; empty ones are left out."""
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in fields.items() if value != ""})


def _configure(*, as_json: bool) -> None:
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

"""Structured logging: every process writes one event with its fields per line to stderr, and Ray collects it.

The lines are JSON when `LOG_FORMAT=json` and readable text otherwise. Tracebacks never show local variables, because
those may hold a password or a document.
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
    """Add `fields` to every line that this task or thread logs inside the `with` block; empty fields are left out."""
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

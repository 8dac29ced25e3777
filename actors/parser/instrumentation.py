"""Logs, traces and metrics of a parser's calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from actors.messages import FileTask
from actors.telemetry.logs import bound_context
from actors.telemetry.metrics import PAGE_SECONDS, PAGES
from actors.telemetry.tracing import span, trace_id

T = TypeVar("T")


def step(name: str, task: FileTask, call: Callable[[], T], pages: str = "") -> Callable[[], T]:
    """Wrap `call` in a trace span, and name its job in every log line. Run the result on the worker thread."""

    def run() -> T:
        trace = trace_id(task.traceparent)
        attributes: dict[str, str | int] = {"docfleet.job": task.job_id, "docfleet.file": task.index}
        if pages:
            attributes["docfleet.pages"] = pages
        with (
            bound_context(job=task.job_id, file=task.index, span=pages, request_id=task.request_id, trace_id=trace),
            span(name, task.traceparent, attributes),
        ):
            return call()

    return run


def timed(call: Callable[[], T]) -> Callable[[], tuple[T, float]]:
    """Wrap `call` so that it also returns how many seconds it took."""

    def run() -> tuple[T, float]:
        began = time.perf_counter()
        return call(), time.perf_counter() - began

    return run


def count_pages(profile: str, pages: int, failed: int, seconds: float) -> None:
    """Record that `profile` parsed `pages` pages in `seconds` seconds, and that `failed` of them failed."""
    PAGE_SECONDS.record(seconds / pages, profile=profile)
    if pages > failed:
        PAGES.record(pages - failed, profile=profile, outcome="parsed")
    if failed:
        PAGES.record(failed, profile=profile, outcome="failed")

"""Sends a process's spans to a collector, if the environment names one."""

from __future__ import annotations

import os

from actors.telemetry.logs import get_logger
from actors.telemetry.tracing import trace_with

log = get_logger()

#: The variables by which OpenTelemetry sets a collector's address. Either one turns the export of spans on.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def export_spans(room: str) -> None:
    """Send this process' spans to the collector in the environment. Does nothing if none is set."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from actors.telemetry.otel import otlp_provider
    except ImportError as error:
        log.warning("spans_not_exported", reason=str(error), needs="docfleet's extra `otel`")
        return
    trace_with(otlp_provider(room))

"""What a process does once, so that its operator can see into it: metrics to Ray's exporter, spans to a collector."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from ray.util import metrics as ray_metrics

from actors.telemetry import metrics
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import Metric, Room
from actors.telemetry.tracing import trace_with

log = get_logger()

#: Either one, as OpenTelemetry defines them, says that spans are wanted and where.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def observe(room: Room) -> None:
    """Export this process' metrics and spans. To be called in each process of a room, before its work begins."""
    metrics.export_to(RayRecorder(room))
    export_spans(room)


def export_spans(room: str) -> None:
    """Send this process' spans to where the environment says, if it does."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from actors.telemetry.otel import otlp_spans
    except ImportError as error:
        log.warning("spans_not_exported", reason=str(error), needs="docfleet's extra `otel`")
        return
    trace_with(otlp_spans(room))


class RayRecorder:
    """A room's metrics, exported by Ray's agent on each node under their names with `ray_` before them."""

    def __init__(self, room: Room) -> None:
        self._series = {metric.name: _series(metric) for metric in metrics.METRICS if metric.room == room}
        for metric in metrics.METRICS:
            if metric.room == room and metric.kind == "counter":
                for labels in _combinations(metric):
                    self.record(metric, 0, labels)  # else the first event would be no increase for Prometheus

    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        # One method under `inc`, `set` and `observe`; only this one takes the zero that a counter starts from.
        self._series[metric.name]._record(value, dict(labels))


def _series(metric: Metric) -> Any:
    keys = tuple(metric.labels)
    match metric.kind:
        case "counter":
            return ray_metrics.Counter(metric.name, metric.help, keys)
        case "gauge":
            return ray_metrics.Gauge(metric.name, metric.help, keys)
        case "histogram":
            return ray_metrics.Histogram(metric.name, metric.help, list(metric.buckets), keys)


def _combinations(metric: Metric) -> Iterator[dict[str, str]]:
    for values in product(*metric.labels.values()):
        yield dict(zip(metric.labels, values, strict=True))

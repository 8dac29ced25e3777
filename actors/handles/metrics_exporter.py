"""Exports a process' metrics through Ray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from ray.util import metrics as ray_metrics

from actors.telemetry import metrics
from actors.telemetry.export import export_spans
from actors.telemetry.metrics import Metric, Room


def observe(room: Room) -> None:
    """Export this process' metrics and spans. Call it once in each process of a room, before its work begins."""
    metrics.export_to(RayRecorder(room))
    export_spans(room)


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

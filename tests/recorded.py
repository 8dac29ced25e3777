"""A recorder that tests read, and that refuses what the table of metrics does not know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from actors.telemetry.metrics import METRICS, Metric


class Recorded:
    def __init__(self) -> None:
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], list[float]] = defaultdict(list)

    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        assert metric in METRICS
        assert labels.keys() == metric.labels.keys()
        self._values[metric.name, frozenset(labels.items())].append(value)

    def of(self, metric: Metric, **labels: str) -> list[float]:
        """What was recorded under exactly these labels, in order."""
        return self._values.get((metric.name, frozenset(labels.items())), [])

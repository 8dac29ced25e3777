"""What the dashboard and the alerts ask Prometheus for, by a real parser of its language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
ALERTS = DEPLOY / "alerts.yaml"


@dataclass(frozen=True)
class Selector:
    """A metric by its name in Prometheus, the values that labels must have, and the labels it is grouped by."""

    metric: str
    wanted: Mapping[str, Sequence[str]]
    grouped_by: Sequence[str]


def dashboard_queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def alert_queries() -> list[str]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def selectors(query: str) -> list[Selector]:
    """Raises ValueError for what is no PromQL."""
    return list(_selectors(promql_parser.parse(query.replace("$__rate_interval", "5m")), ()))


def _selectors(expression: Any, grouped_by: tuple[str, ...]) -> Iterator[Selector]:
    if isinstance(expression, promql_parser.MatrixSelector):
        expression = expression.vector_selector
    if isinstance(expression, promql_parser.VectorSelector):
        wanted = {each.name: each.value.split("|") for each in expression.matchers.matchers}
        yield Selector(expression.name, wanted, grouped_by)
    modifier = getattr(expression, "modifier", None)
    if isinstance(expression, promql_parser.AggregateExpr) and modifier:
        grouped_by = (*grouped_by, *modifier.labels)
    for name in ("expr", "lhs", "rhs", "args"):
        below = getattr(expression, name, None) or ()
        for part in below if isinstance(below, list) else [below] if below else []:
            yield from _selectors(part, grouped_by)

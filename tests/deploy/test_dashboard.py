"""Dashboard and alerts ask for metrics that exist, by labels and values that these have."""

from __future__ import annotations

import json

import pytest
import yaml

from actors.telemetry.metrics import METRICS, Metric
from tests.promql import ALERTS, DASHBOARD, Selector, alert_queries, dashboard_queries, selectors

OURS = "ray_docfleet_"
QUERIES = [*dashboard_queries(), *alert_queries()]


def ours(query: str) -> list[Selector]:
    return [selector for selector in selectors(query) if selector.metric.startswith(OURS)]


def series(metric: Metric) -> list[str]:
    """What Prometheus knows a metric by: Ray's prefix, and a histogram's parts."""
    parts = ("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",)
    return [f"ray_{metric.name}{part}" for part in parts]


BY_SERIES = {name: metric for metric in METRICS for name in series(metric)}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_promql_about_a_metric(query: str) -> None:
    found = selectors(query)
    assert found
    assert all(selector.metric.startswith((OURS, "ray_serve_")) for selector in found)


@pytest.mark.parametrize("query", QUERIES)
def test_a_metric_of_ours_exists_with_its_labels_and_their_values(query: str) -> None:
    for asked in ours(query):
        labels = dict(BY_SERIES[asked.metric].labels)
        bucket = {"le"} if asked.metric.endswith("_bucket") else set()
        assert set(asked.grouped_by) <= labels.keys() | bucket
        for label, values in asked.wanted.items():
            assert set(values) <= set(labels[label])


def test_buckets_are_only_added_up_by_their_bounds() -> None:
    buckets = [asked for query in QUERIES for asked in ours(query) if asked.metric.endswith("_bucket")]
    assert buckets
    assert all("le" in asked.grouped_by for asked in buckets)


def test_the_dashboard_shows_every_metric() -> None:
    shown = {selector.metric for query in dashboard_queries() for selector in selectors(query)}
    assert [metric.name for metric in METRICS if not shown.intersection(series(metric))] == []


def test_a_name_that_does_not_exist_would_be_found() -> None:
    (asked,) = selectors('sum by (stat) (rate(ray_docfleet_nothing_total{reason=~"a|b"}[$__rate_interval]))')
    assert asked == Selector("ray_docfleet_nothing_total", {"reason": ["a", "b"]}, ("stat",))
    assert asked.metric not in BY_SERIES


def test_panels_do_not_overlap_and_have_a_title_and_a_unit() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["type"] == "row" or panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_says_what_it_is_about() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket") for rule in rules)
    assert len({rule["alert"] for rule in rules}) == len(rules)

"""The naming rules of all metrics."""

from __future__ import annotations

import re

import pytest

from actors.telemetry import metrics
from actors.telemetry.metrics import METRICS, PAGES, Metric
from tests.recorded import Recorded

every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@every_metric
def test_a_name_says_whose_it_is_and_in_which_unit(metric: Metric) -> None:
    assert re.fullmatch(r"docfleet_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") or metric.kind != "histogram"


@every_metric
def test_histograms_alone_have_buckets_and_they_rise(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert sorted(set(metric.buckets)) == list(metric.buckets)


@every_metric
def test_a_metric_has_few_series(metric: Metric) -> None:
    series = 1
    for label, values in metric.labels.items():
        series *= len(values) if label != "shard" else 1  # a registry only records its own
    assert 1 <= series <= 8


def test_names_are_not_used_twice() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_every_metric_that_is_defined_is_in_the_table() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert defined == list(METRICS)


def test_recording_goes_to_the_recorder_of_the_process(recorded: Recorded) -> None:
    PAGES.record(3, profile="native", outcome="parsed")
    PAGES.record(profile="native", outcome="parsed")
    assert recorded.of(PAGES, profile="native", outcome="parsed") == [3, 1]

"""An operator's view of a job: its metrics as Prometheus reads them, and its spans at a collector."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families

from actors.telemetry.metrics import METRICS, Metric
from client import DoclingParserClient
from tests.cluster.collector import Collector
from tests.model_endpoint import FakeModel, numbered_pdf
from tests.promql import Selector, alert_queries, dashboard_queries, selectors
from tests.waiting import eventually
from tests.web import serving_web

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
#: What is only observed of some jobs.
OBSERVED = ("docfleet_job_seconds", "docfleet_model_request_seconds", "docfleet_source_fetch_seconds")
PATIENCE_S = 60  # for Ray's reports on a busy machine; not what is tested


class Scrape:
    """The metrics of every node's agent at one moment."""

    def __init__(self) -> None:
        agents = [f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}" for node in ray.nodes()]
        text = "".join(httpx.get(f"{agent}/metrics", timeout=30).text for agent in agents)
        families = list(text_string_to_metric_families(text))
        self.kinds = {family.name: family.type for family in families}
        self._samples = [sample for family in families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum over all processes."""
        own = [sample for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()]
        return sum(sample.value for sample in own)

    def labels(self, name: str) -> set[str]:
        return set().union(*(sample.labels for sample in self._samples if sample.name == name))


def exported(metric: Metric) -> str:
    return f"ray_{metric.name}"


@pytest.fixture(scope="module")
def scrape(url: str, documents: Path, model: FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Scrape:
    """The metrics after a job of three files, one from a URL, and a job that a model reads."""
    read = tmp_path_factory.mktemp("read") / "read.pdf"
    read.write_bytes(numbered_pdf(1))
    before = Scrape()
    pages = before.total("ray_docfleet_pages_total", outcome="parsed")
    with DoclingParserClient(url) as client, serving_web() as web:
        web.files = {"/tide.md": b"# Tide"}
        batch = client.submit_and_wait(documents / "report.pdf", documents / "notes.md", f"{web.url}/tide.md")
        asked = client.submit_and_wait(read, options={"profile": "vlm", "cache": False})
    assert (batch["successful"], asked["successful"]) == (3, 1)

    def counted() -> Scrape | None:
        now = Scrape()
        parsed = now.total("ray_docfleet_pages_total", outcome="parsed") >= pages + 5
        return now if parsed and all(now.total(f"ray_{name}_count") for name in OBSERVED) else None

    scrape = eventually(counted, within_s=PATIENCE_S, every_s=1, what="the jobs are counted")
    assert scrape
    return scrape


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_exported_under_its_name_with_its_labels(scrape: Scrape, metric: Metric) -> None:
    family = exported(metric).removesuffix("_total")  # as the parser names counters
    if metric.kind == "histogram" and family not in scrape.kinds:
        pytest.fail("nothing was observed")
    assert scrape.kinds[family] == metric.kind
    sample = exported(metric) + ("_bucket" if metric.kind == "histogram" else "")
    assert metric.labels.keys() <= scrape.labels(sample)


def test_whatever_the_dashboard_and_the_alerts_ask_of_ray_is_exported(scrape: Scrape) -> None:
    asked = [selector for query in dashboard_queries() + alert_queries() for selector in selectors(query)]
    of_serve = [selector for selector in asked if selector.metric.startswith("ray_serve_")]

    def missing() -> list[Selector]:
        now = Scrape()
        return [each for each in of_serve if not each.wanted.keys() | set(each.grouped_by) <= now.labels(each.metric)]

    assert of_serve
    # Serve counts some things only now and then.
    eventually(lambda: not missing(), within_s=PATIENCE_S, every_s=1, what=f"every one of {of_serve} is exported")


def test_the_values_are_those_of_the_work_that_was_done(scrape: Scrape) -> None:
    assert scrape.total("ray_docfleet_pages_total", profile="bundled", outcome="failed") == 0
    assert scrape.total("ray_docfleet_page_parse_seconds_count", profile="bundled") >= 2
    assert scrape.total("ray_docfleet_job_queue_seconds_count") >= 1
    assert scrape.total("ray_docfleet_job_seconds_bucket", state="completed", le="3600.0") >= 1
    assert scrape.total("ray_docfleet_journal_commit_seconds_count") >= 3  # submitted, claimed, ended


def test_no_job_counts_as_queued_when_all_have_ended(scrape: Scrape) -> None:
    def none_is_queued() -> bool:
        now = Scrape()  # `scrape` may be from a moment when one of its jobs still waited
        queued, age = now.total("ray_docfleet_jobs", state="queued"), "ray_docfleet_oldest_queued_job_age_seconds"
        return queued == now.total(age) == 0

    assert scrape.total("ray_docfleet_job_queue_seconds_count") >= 1
    eventually(none_is_queued, within_s=PATIENCE_S, every_s=1, what="a queue without jobs")


def test_a_job_is_one_trace_from_the_callers_span_to_the_pages(url: str, documents: Path, collector: Collector) -> None:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    with (documents / "report.pdf").open("rb") as report:
        answer = httpx.post(f"{url}/parse", files={"files": report}, headers=headers, timeout=120)
    assert answer.status_code == 200
    spans = collector.trace(TRACE, "POST /parse", "job", "file", "open", "parse_pages", "assemble")
    by_id = {span.span_id.hex(): span.name for _, span in spans}
    parents = {
        (room, span.name, by_id.get(span.parent_span_id.hex(), span.parent_span_id.hex())) for room, span in spans
    }
    assert parents == {
        ("ingress", "POST /parse", CALLER),
        ("dispatcher", "job", "POST /parse"),
        ("dispatcher", "file", "job"),
        ("parser", "open", "file"),
        ("parser", "parse_pages", "file"),
        ("parser", "assemble", "file"),
    }

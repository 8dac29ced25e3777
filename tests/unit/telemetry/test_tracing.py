"""W3C Trace Context in requests, and spans whose parent travels with the work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from actors.telemetry import tracing
from actors.telemetry.tracing import NO_SPANS, accepted, span, trace_id

IDS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
PARENT = f"00-{IDS}-01"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """The ended spans of a process that exports spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.trace_with(provider)
    yield exporter
    tracing.trace_with(NO_SPANS)


@pytest.mark.parametrize("header", [PARENT, f"00-{IDS}-00", f" {PARENT}\t"])
def test_a_valid_traceparent_is_accepted(header: str) -> None:
    assert accepted([header]) == header.strip()


@pytest.mark.parametrize("header", [f"01-{IDS}-01", f"cc-{IDS}-01-what-the-future-holds"])
def test_of_a_later_version_the_known_part_is_read(header: str) -> None:
    assert accepted([header]) == PARENT


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{IDS}-01",  # a version that must not be
        f"00-{IDS}-01-more",  # version 0 ends here
        f"00-{IDS}-1",
        f"00-{IDS}-01-",
        f"cc-{IDS}-01.more",
        f"00-{IDS.upper()}-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        f"00-{IDS}-01\r",
        f"00-{IDS[:-1]}g-01",
    ],
)
def test_a_malformed_traceparent_is_as_good_as_none(header: str) -> None:
    assert accepted([header]) == ""


def test_a_traceparent_sent_twice_is_as_good_as_none() -> None:
    assert accepted([PARENT, PARENT]) == ""
    assert accepted([]) == ""


def test_without_an_exporter_the_parent_is_handed_on() -> None:
    with span("job", PARENT) as inner:
        assert inner == PARENT
    with span("job", "") as inner:
        assert trace_id(inner) == ""


def test_spans_are_children_of_what_they_are_given(exported: InMemorySpanExporter) -> None:
    with span("job", PARENT, {"docfleet.files": 2}) as job, span("file", job):
        pass
    file, outer = exported.get_finished_spans()
    assert (outer.name, outer.attributes, outer.parent.span_id) == ("job", {"docfleet.files": 2}, 0xB7AD6B7169203331)
    assert (file.name, file.parent.span_id) == ("file", outer.context.span_id)
    assert {file.context.trace_id, outer.context.trace_id} == {int(trace_id(PARENT), 16)}


def test_without_a_caller_a_trace_begins(exported: InMemorySpanExporter) -> None:
    with span("POST /submit", "") as traceparent:
        assert accepted([traceparent]) == traceparent
    (root,) = exported.get_finished_spans()
    assert root.parent is None


def test_a_caller_that_does_not_sample_is_followed(exported: InMemorySpanExporter) -> None:
    with span("job", f"00-{IDS}-00") as traceparent:
        assert (trace_id(traceparent), traceparent[-2:]) == (trace_id(PARENT), "00")
    assert exported.get_finished_spans() == ()


def test_what_went_wrong_is_named_but_not_quoted(exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), span("file", PARENT):
        raise ValueError("secret")
    (failed,) = exported.get_finished_spans()
    assert (failed.status.is_ok, failed.status.description, failed.events) == (False, "ValueError", ())


@pytest.mark.parametrize(("endpoint", "imported"), [("", False), ("http://127.0.0.1:1", True)])
def test_the_exporter_is_only_imported_where_spans_are_exported(endpoint: str, imported: bool) -> None:
    code = (
        "import sys; from actors.telemetry.export import export_spans; export_spans('parser')\n"
        "print('opentelemetry.exporter' in sys.modules, 'actors.telemetry.otel' in sys.modules)"
    )
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(imported)] * 2


def test_without_the_extra_a_service_starts_and_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['opentelemetry.exporter'] = None\n"
        "from actors.telemetry.export import export_spans; export_spans('parser')\n"
        "from actors.telemetry.tracing import span\n"
        f"with span('job', '{PARENT}') as inner: print(inner)"
    )
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == PARENT
    assert "spans_not_exported" in done.stderr
    assert "extra `otel`" in done.stderr

"""Spans by OpenTelemetry, sent over OTLP. Imported where spans are exported, and nowhere else.

Everything is configured by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME,
OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_*, OTEL_SDK_DISABLED.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace import TracerProvider as AnyProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from actors.telemetry.tracing import Attributes, SpanMaker

_CONTEXT = TraceContextTextMapPropagator()


def otlp_spans(room: str) -> SpanMaker:
    """Spans in batches from a thread of its own; those of a process that is killed within seconds are lost."""
    ours = Resource(
        {
            "service.name": "docfleet",
            "service.version": version("docfleet"),
            "service.instance.id": str(uuid.uuid4()),  # every process: replicas of a room are told apart by it
            "docfleet.room": room,
        }
    )
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return spans_of(provider)


def spans_of(provider: AnyProvider) -> SpanMaker:
    """Spans that a provider makes. Not as the current ones of a context: the parent comes with the work, always."""
    tracer = provider.get_tracer("docfleet", version("docfleet"))

    @contextmanager
    def make(name: str, parent: str, attributes: Attributes) -> Iterator[str]:
        span = tracer.start_span(name, _CONTEXT.extract({"traceparent": parent}), attributes=dict(attributes))
        try:
            yield _traceparent(span)
        except BaseException as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)  # a message may name what a document holds
            raise
        finally:
            span.end()

    return make


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    ids = f"{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"

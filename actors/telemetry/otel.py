"""Sends spans to a collector over OTLP. Imported only where spans are exported.

OpenTelemetry's own variables configure everything: OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_BSP_*, OTEL_SDK_DISABLED.
"""

from __future__ import annotations

import uuid
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def otlp_provider(room: str) -> TracerProvider:
    """A provider that sends spans in batches from its own thread. A process killed within seconds loses its last."""
    ours = Resource(
        {
            "service.name": "docfleet",
            "service.version": version("docfleet"),
            "service.instance.id": str(uuid.uuid4()),  # per process, so that replicas of a room can be told apart
            "docfleet.room": room,
        }
    )
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider

"""An OpenTelemetry collector: takes spans over OTLP on a real socket, and remembers them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """`url` is what OTEL_EXPORTER_OTLP_ENDPOINT is set to."""

    def __init__(self) -> None:
        self._spans: list[tuple[dict[str, str], Span]] = []  # each with what it came from
        self._more = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector._take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing per request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        yield
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: ExportTraceServiceRequest) -> None:
        with self._more:
            for of_process in request.resource_spans:
                resource = {pair.key: pair.value.string_value for pair in of_process.resource.attributes}
                for scope in of_process.scope_spans:
                    self._spans += [(resource, span) for span in scope.spans]
            self._more.notify_all()

    def trace(self, trace_id: str, *names: str) -> list[tuple[str, Span]]:
        """A trace's spans, each with its room, once spans of these names have arrived."""

        def found() -> list[tuple[str, Span]]:
            own = [(resource["docfleet.room"], span) for resource, span in self._of(trace_id)]
            return own if set(names) <= {span.name for _, span in own} else []

        with self._more:
            self._more.wait_for(found, timeout=60)
            return found()

    def processes(self, trace_id: str, name: str, *, count: int) -> list[str]:
        """The process of each of a trace's spans with this name, once `count` of them have arrived."""

        def found() -> list[str]:
            own = [resource["service.instance.id"] for resource, span in self._of(trace_id) if span.name == name]
            return own if len(own) >= count else []

        with self._more:
            self._more.wait_for(found, timeout=60)
            return found()

    def _of(self, trace_id: str) -> list[tuple[dict[str, str], Span]]:
        return [(resource, span) for resource, span in self._spans if span.trace_id.hex() == trace_id]

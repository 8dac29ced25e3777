"""A server on a real socket, for the tests that need one."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

MIB = 1024 * 1024


class Server(ThreadingHTTPServer):
    """Accepts every job, completes it at once, and counts connections, bytes and concurrent requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.connections = 0
        self.received: list[int] = []
        self.drop_after: list[int] = []  # bytes after which the next uploads are cut off
        self.running = 0
        self.most_running = 0
        self.gate: threading.Event | None = None  # while set and unset: jobs don't complete
        self.ids = itertools.count()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up: tests do that."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        left = int(self.headers["content-length"])
        limit = self.server.drop_after.pop(0) if self.server.drop_after else None
        received = 0
        while received < left:
            received += len(self.rfile.read(min(64 * 1024, left - received)))
            if limit is not None and received >= limit:
                self.close_connection = True
                return
        self.server.received.append(received)
        with self.server.lock:
            self.server.running += 1
            self.server.most_running = max(self.server.most_running, self.server.running)
        if self.path == "/parse":
            self.answer(200, self.batch("parsed"))
            return
        job_id = f"j{next(self.server.ids)}"
        submitted = {"job_id": job_id, "status": "pending", "message": "Job submitted successfully"}
        self.answer(202, submitted, location=f"/jobs/{job_id}")

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "healthy", "version": "1"})
            return
        job_id = self.path.split("/")[2].partition("?")[0]
        done = self.server.gate is None or self.server.gate.is_set()
        if "/results" in self.path and done:
            with self.server.lock:
                self.server.running -= 1
            self.answer(200, {"job_id": job_id, "status": "completed", "results": self.batch(job_id)})
            return
        self.answer(200, {"job_id": job_id, "status": "completed" if done else "processing", "submitted_at": 1.0})

    def batch(self, name: str) -> dict[str, Any]:
        """One file with a mebibyte of text."""
        entry = {"filename": name, "success": True, "nodes": [{"text": "x" * MIB}], "num_nodes": 1, "error": None}
        totals = {"total_files": 1, "successful": 1, "failed": 0, "total_nodes": 1, "total_processing_time_ms": 1.0}
        return {**totals, "results": [entry]}

    def answer(self, status: int, body: dict[str, Any], **headers: str) -> None:
        content = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as started:
        thread = threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield started
        started.shutdown()
        thread.join()

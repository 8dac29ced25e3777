"""HAProxy's own answer to a path that no application has."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from client.models import Problem
from serve_app.haproxy import answer_for_the_dead, with_503
from serve_app.proxies import dead_replica
from tests.waiting import eventually

#: What Serve's own configuration has at its end.
CONFIG = """defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend http_frontend
    bind {socket}
    # Static routing based on path prefixes, mirroring the use_backend rules
{apps}    default_backend default_backend
backend default_backend
{answer}
backend app
    http-request return status 200
"""


def serves_template() -> str:
    """The source of the template from which Serve makes HAProxy's configuration."""
    ray = importlib.util.find_spec("ray")
    assert ray is not None
    assert ray.origin is not None
    return (Path(ray.origin).parent / "serve/_private/haproxy_templates.py").read_text()


def serves_answer() -> str:
    """The line with which Serve answers 404."""
    [line] = [line for line in serves_template().splitlines() if "http-request return status 404" in line]
    return line.replace("\\'", "'")


@contextmanager
def haproxy(folder: Path, apps: str = "", template: str = CONFIG) -> Iterator[httpx.Client]:
    """A client of HAProxy with Serve's configuration, started as Serve starts it, on a socket of the test."""
    config, socket = folder / "haproxy.cfg", folder / "http.sock"
    config.write_text(template.format(socket=socket, apps=apps, answer=serves_answer()))
    process = subprocess.Popen([sys.executable, "-m", "serve_app.haproxy", "-db", "-f", str(config)])
    try:
        eventually(lambda: process.poll() is not None or socket.exists(), what="HAProxy's socket")
        assert process.poll() is None
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://haproxy") as http:
            yield http
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: that of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="haproxy-", dir="/tmp") as folder:
        yield Path(folder)


def test_haproxy_asks_to_come_back_while_no_application_is_deployed(folder: Path) -> None:
    with haproxy(folder) as http:
        answer = http.get("/jobs/a")
    problem = Problem.model_validate(answer.json())
    assert (answer.status_code, problem.status, problem.code) == (503, 503, "unavailable")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_haproxy_knows_which_paths_there_are_once_an_application_is_deployed(folder: Path) -> None:
    with haproxy(folder, "    acl is_app path_beg /app/\n    use_backend app if is_app\n") as http:
        assert [http.get(path).status_code for path in ("/app/a", "/jobs/a")] == [200, 404]


def test_haproxy_asks_to_come_back_when_a_replica_has_died(folder: Path) -> None:
    serves_file = folder / "500.http"
    serves_file.write_bytes(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
    apps = "    use_backend dead\n"
    dead = f"backend dead\n    errorfile 503 {serves_file}\n    server gone unix@{folder}/nobody.sock\nbackend app\n"
    with haproxy(folder, apps, CONFIG.replace("backend app\n", dead)) as http:
        answer = http.get("/jobs/a")
    expected = dead_replica(request_id=None)
    assert (answer.status_code, answer.json()) == (503, json.loads(bytes(expected.body)))
    assert answer.headers["Retry-After"] == expected.headers["Retry-After"]
    assert answer.headers["Content-Type"] == expected.headers["Content-Type"]


def test_a_proxy_without_such_a_file_gets_none(folder: Path) -> None:
    answer_for_the_dead(folder / "500.http")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("config", ["", "frontend http_frontend\n    default_backend default_backend\n"])
def test_a_configuration_of_another_form_is_left_as_it_is(config: str) -> None:
    assert with_503(config) == config


def test_the_answer_is_found_in_what_serve_writes() -> None:
    before = "\n".join(line for line in serves_template().splitlines() if not line.strip().startswith("use_backend"))
    after = with_503(before)
    assert before.count("return status 404") == 1
    assert after.count("return status 404") == 0
    assert after.count("hdr Retry-After") == 1
    assert with_503(serves_template()) == serves_template()

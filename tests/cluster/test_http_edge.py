"""The edge of a local service, in both HTTP modes: slow and odd clients, and which ports are open."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from serve_app.header_timeout import HEADER_TIMEOUT_S
from tests.cluster.local_service import running

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.fixture(scope="module", params=["1", "0"], ids=["HAProxy", "Serve's proxy"])
def service(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    state = short_folder / f"edge{request.param}"
    with running("serve_app", state, RAY_SERVE_ENABLE_HA_PROXY=request.param) as (process, url):
        yield psutil.Process(process.pid), url


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half a header"])
def test_a_connection_with_an_unfinished_header_is_closed_in_time(
    service: tuple[psutil.Process, str], sent: bytes
) -> None:
    url = httpx.URL(service[1])
    with socket.create_connection((url.host, url.port or 80), timeout=HEADER_TIMEOUT_S + 20) as connection:
        started = time.monotonic()
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert time.monotonic() - started < HEADER_TIMEOUT_S + 2
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("name", [b"X-Request-ID", b"serve_multiplexed_model_id", b"Serve-Session-Id", b"traceparent"])
def test_bytes_in_a_header_that_serve_reads_are_ignored(service: tuple[psutil.Process, str], name: bytes) -> None:
    answer = httpx.get(f"{service[1]}/livez", headers=[(name, b"\xff")], timeout=60)
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_a_request_id_is_echoed_once_and_only_as_a_plain_word(service: tuple[psutil.Process, str]) -> None:
    sent = ("mine", "a b", "<script>")
    answers = [httpx.get(f"{service[1]}/livez", headers={"X-Request-ID": each}, timeout=60) for each in sent]
    ids = [answer.headers.get_list("X-Request-ID") for answer in answers]
    assert ids[0] == ["mine"]
    assert all(re.fullmatch("[0-9a-f]{32}", made) and not rest for made, *rest in ids[1:])


def test_head_is_answered_without_a_body(service: tuple[psutil.Process, str]) -> None:
    answer = httpx.head(f"{service[1]}/livez", timeout=60)
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "2", b"")


def test_every_port_that_other_machines_can_reach_is_in_the_table(service: tuple[psutil.Process, str]) -> None:
    rows = [line for line in SECURITY.read_text().splitlines() if line.startswith("| `")]
    known = {name for row in rows for name in re.findall(r"`([\w.]+)`", row.split("|")[1])}
    assert known
    assert {name for name, address in listening(service[0]) if not address.startswith("127.")} <= known


def listening(service: psutil.Process) -> Iterator[tuple[str, str]]:
    """The name of a process and the address on which it listens."""
    for process in (service, *service.children(recursive=True)):
        try:
            name, connections = name_of(process.cmdline()), process.net_connections("inet")
        except psutil.NoSuchProcess:
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM:
                yield name, connection.laddr.ip


def name_of(command: list[str]) -> str:
    """`ServeReplica` of `ray::ServeReplica:docfleet:Ingress`, `monitor.py` of `python -u .../monitor.py`, ..."""
    if command[0].startswith("ray::"):
        return re.split(r"[:.]", command[0].removeprefix("ray::").strip())[0]
    script = next((word for word in command[1:] if word.endswith(".py") or word == "serve_app"), command[0])
    return Path(script).name

"""The messages of `python -m serve_app` when it starts, or cannot listen. Nothing is started here."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from serve_app.__main__ import free_port, main
from serve_app.settings import Settings


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str, port: int) -> str:
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setattr("serve_app.__main__.choose_http_mode", lambda: pytest.fail("it was not refused"))
    assert main() == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("ha_proxy", ["0", "1"])
@pytest.mark.parametrize(
    ("host", "reason"),
    [("nosuchhost.invalid", "not known"), ("192.168..5", "not known"), ("192.0.2.77", "Cannot assign")],
    ids=["no host", "mistyped", "another machine's"],
)
def test_a_host_that_cannot_be_listened_on_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ha_proxy: str, host: str, reason: str
) -> None:
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", ha_proxy)
    said = refusal(monkeypatch, capsys, host, free_port())
    assert f"HOST={host}" in said
    assert reason in said
    assert "in use" not in said


def test_a_port_in_use_is_told_from_other_reasons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is in use" in refusal(monkeypatch, capsys, "127.0.0.1", port)


@pytest.mark.parametrize("by_default", [True, False])
def test_an_address_where_haproxy_does_not_find_the_replicas_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, by_default: bool
) -> None:
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "1")
    if by_default:
        monkeypatch.delenv("RAY_SERVE_ENABLE_HA_PROXY")
    said = refusal(monkeypatch, capsys, "127.0.0.2", free_port())
    assert "HOST=127.0.0.2 does not work with HAProxy" in said
    assert "RAY_SERVE_ENABLE_HA_PROXY=0" in said


@pytest.fixture
def interrupted() -> Iterator[None]:
    """`main` handles SIGINT and SIGTERM in its own way, and this test's process has to outlive it."""
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


@pytest.mark.parametrize("port", [0, 1])
def test_an_address_that_serve_keeps_is_said_and_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], interrupted: None, port: int
) -> None:
    wanted = free_port()
    actual = wanted + port

    @contextmanager
    def running(settings: Settings, _: object) -> Iterator[SimpleNamespace]:
        signal.raise_signal(signal.SIGINT)
        yield SimpleNamespace(host=settings.host, port=actual)

    monkeypatch.setenv("PORT", str(wanted))
    monkeypatch.setattr("serve_app.__main__.choose_http_mode", lambda: None)
    monkeypatch.setitem(sys.modules, "serve_app.local", SimpleNamespace(running_service=running))
    assert main() == 0
    said = capsys.readouterr().err
    assert f"docfleet is ready on http://127.0.0.1:{actual} " in said
    assert ("HOST and PORT have no effect" in said) == (actual != wanted)

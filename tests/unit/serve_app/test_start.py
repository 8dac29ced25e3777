"""The messages of `python -m serve_app` when it starts, or cannot listen. Nothing is started here."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.registry.journal import Journal
from serve_app.__main__ import free_port, main
from serve_app.settings import Settings
from serve_app.start_checks import CannotStart, check_room
from serve_app.state_lock import only_service_in


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


@pytest.mark.parametrize(
    ("wrong", "lines"),
    [
        ({"MAX_PAGES": "many"}, ["MAX_PAGES: Input should be a valid integer, unable to parse string as an integer"]),
        (
            {"UI": "perhaps", "CORS_ORIGINS": "a.org"},
            ["UI: Input should be a valid boolean", "CORS_ORIGINS: 'a.org' is"],
        ),
        ({"PROFILE": "vlm"}, ["The profile 'vlm' needs a model endpoint"]),
        ({"API_KEYS": "alice"}, ["API_KEYS: the API key 'alice' has no SHA-256 hash"]),
        ({"BLOB_URL": "s3:/bucket"}, ["BLOB_URL: must be a folder, or begin with s3://"]),
        ({"BLOB_URL": "gs://"}, ["BLOB_URL: must name a bucket or container, as in gs://bucket"]),
        ({"DATABASE_URL": "sqlite://"}, ["DATABASE_URL: must name a file"]),
    ],
)
def test_each_wrong_setting_is_named_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: dict[str, str], lines: list[str]
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    said = refusal(monkeypatch, capsys, "127.0.0.1", free_port()).splitlines()
    assert len(said) == len(lines)
    assert all(line.startswith(begin) for line, begin in zip(said, lines, strict=True))


def test_a_state_folder_that_another_service_uses_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    with only_service_in(tmp_path):
        said = refusal(monkeypatch, capsys, "127.0.0.1", free_port())
    assert said.startswith(f"STATE_DIR={tmp_path} is in use by another docfleet, process {os.getpid()}.")
    with only_service_in(tmp_path):
        pass  # the service before has ended


@pytest.mark.parametrize("ha_proxy", ["1", "0"])
def test_a_machine_that_lets_haproxy_open_too_few_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, ha_proxy: str
) -> None:
    few = SimpleNamespace(RLIMIT_NOFILE=7, RLIM_INFINITY=-1, getrlimit=lambda _: (1024, 4096))
    monkeypatch.setattr("serve_app.start_checks.resource", few)
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", ha_proxy)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "missing"))  # what is looked at next
    said = refusal(monkeypatch, capsys, "127.0.0.1", free_port())
    assert said.startswith("A process may open 4096 files here" if ha_proxy == "1" else "API_KEYS_FILE")


def from_the_future(journal: Path) -> None:
    Journal(f"sqlite:///{journal}").open()
    with sqlite3.connect(journal) as database:
        database.execute("UPDATE docfleet_journal SET schema_version = 99")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda journal: journal.write_bytes(b"garbage" * 1000), "file is not a database"),
        (from_the_future, "it has schema version 99"),
        (lambda journal: journal.mkdir(), "unable to open database file"),
    ],
    ids=["garbage", "newer", "folder"],
)
def test_a_journal_that_cannot_be_used_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    prepare: Callable[[Path], None],
    reason: str,
) -> None:
    prepare(tmp_path / "journal.db")
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    [said] = refusal(monkeypatch, capsys, "127.0.0.1", free_port()).splitlines()
    assert said.startswith(f"The job journal sqlite:///{tmp_path}/journal.db cannot be used: {reason}")


def test_a_database_that_does_not_answer_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("actors.registry.opening.PATIENCE_S", 0.1)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://docfleet:sesame@127.0.0.1:1/jobs")
    said = refusal(monkeypatch, capsys, "127.0.0.1", free_port())
    assert said.splitlines()[-1].startswith("The job journal cannot be reached: ")
    assert "Connection refused" in said
    assert "sesame" not in said


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("API_KEYS_FILE", None, "cannot be used: No such file"),
        ("API_KEYS_FILE", b"alice:secret", "cannot be used: the API key 'alice' has no SHA-256 hash"),
        ("API_KEYS_FILE", b"\xff", "cannot be used: 'utf-8' codec"),
        ("TOKENIZERS_DIR", b"", "is not a folder"),
        ("DOCLING_ARTIFACTS_PATH", None, "is not a folder"),
        ("STATE_DIR", b"", "cannot be made: File exists"),
        ("BLOB_URL", b"", "cannot be made: File exists"),
    ],
)
def test_a_file_or_folder_that_cannot_be_used_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    content: bytes | None,
    reason: str,
) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    named = tmp_path / "named"
    if content is not None:
        named.write_bytes(content)
    monkeypatch.setenv(name, str(named))
    said = refusal(monkeypatch, capsys, "127.0.0.1", free_port())
    assert said.startswith(f"{name}={named} {reason}")
    assert "secret" not in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"parser_num_cpus": 64.0}, "PARSER_NUM_CPUS=64 needs 64 CPUs at once, and this machine has 4"),
        ({"parser_min_replicas": 5}, "PARSER_MIN_REPLICAS=5 with PARSER_NUM_CPUS=1 needs 5 CPUs"),
        ({"parser_num_gpus": 0.5}, "PARSER_NUM_GPUS=0.5 needs 0.5 GPUs at once, and this machine has 0"),
    ],
)
def test_parsers_that_would_wait_for_room_for_ever_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotStart) as refused:
        check_room(Settings(parser_max_replicas=8, **given), {"CPU": 4.0})
    assert says in str(refused.value)


def test_parsers_that_fill_the_machine_may_start() -> None:
    check_room(Settings(parser_min_replicas=4, parser_max_replicas=8, parser_num_gpus=0.25), {"CPU": 4.0, "GPU": 1.0})


@pytest.fixture
def interrupted() -> Iterator[None]:
    """`main` handles SIGINT and SIGTERM in its own way, and this test's process has to outlive it."""
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


class StoppedAtOnce(threading.Event):
    """A service that waits for its end gets it."""

    def wait(self, timeout: float | None = None) -> bool:
        signal.raise_signal(signal.SIGINT)
        return super().wait(timeout)


@pytest.mark.parametrize("port", [0, 1])
def test_an_address_that_serve_keeps_is_said_and_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, interrupted: None, port: int
) -> None:
    wanted = free_port()
    actual = wanted + port

    @contextmanager
    def running(settings: Settings, _: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(host=settings.host, port=actual)

    monkeypatch.setenv("PORT", str(wanted))
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setattr("serve_app.__main__.threading", SimpleNamespace(Event=StoppedAtOnce))
    monkeypatch.setattr("serve_app.__main__.choose_http_mode", lambda: None)
    monkeypatch.setitem(sys.modules, "serve_app.local", SimpleNamespace(running_service=running))
    assert main() == 0
    said = capsys.readouterr().err
    assert f"docfleet is ready on http://127.0.0.1:{actual} " in said
    assert ("HOST and PORT have no effect" in said) == (actual != wanted)

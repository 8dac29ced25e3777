"""Logs: one event with its fields per line, in both formats."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
from actors.telemetry.logs import bound_context, get_logger
log = get_logger()
with bound_context(job="a", trace_id="", request_id="r"):
    log.warning("page_lost", span="3-4")
    try:
        password = "secret"
        1 / 0
    except ZeroDivisionError:
        log.exception("file_failed")
log.info("after")
"""


def logged(**env: str) -> list[str]:
    env |= {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_json_log_is_an_object_a_line() -> None:
    lost, failed, after = map(json.loads, logged(LOG_FORMAT="json"))
    times = [line.pop("timestamp") for line in (lost, failed, after)]
    assert times == sorted(times)
    assert lost == {"event": "page_lost", "level": "warning", "job": "a", "request_id": "r", "span": "3-4"}
    assert failed["exception"].splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert after == {"event": "after", "level": "info"}


def test_a_readable_log_has_the_same_fields() -> None:
    lost, *_ = logged()
    assert "page_lost" in lost
    assert "job=a" in lost
    assert "request_id=r" in lost
    assert "trace_id" not in lost


def test_tracebacks_show_no_values() -> None:
    for lines in (logged(), logged(LOG_FORMAT="json")):
        assert any("ZeroDivisionError" in line for line in lines)
        assert not any("'secret'" in line or "password=" in line for line in lines)

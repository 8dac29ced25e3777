"""The example of a webhook receiver, run as a process and called with webhooks that the server's code signs."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from actors.deliveries.payloads import signature

KEY = b"0123456789abcdef0123456789abcdef"
EXAMPLE = Path(__file__).parents[3] / "examples" / "webhook_receiver.py"
BODY = orjson.dumps({"type": "job.completed", "data": {"job_id": "7f3c", "total_nodes": 12}})


@pytest.fixture
def receiver() -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {**os.environ, "WEBHOOK_SECRET": f"whsec_{base64.b64encode(KEY).decode()}"}
    process = subprocess.Popen([sys.executable, str(EXAMPLE), "0"], env=environment, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        yield process, process.stdout.readline().split()[-1]
        process.kill()


def test_a_signed_webhook_is_taken_once_and_a_forged_one_not(receiver: tuple[subprocess.Popen[str], str]) -> None:
    process, url = receiver
    signed = signature([KEY], "message-1", int(time.time()), BODY)
    statuses = [
        httpx.post(url, content=BODY, headers=signed).status_code,
        httpx.post(url, content=BODY, headers=signed).status_code,
        httpx.post(url, content=BODY + b" ", headers=signed).status_code,
        httpx.post(url, content=BODY, headers=signature([KEY], "message-2", int(time.time()), BODY)).status_code,
    ]
    assert statuses == [204, 204, 400, 204]
    assert process.stdout
    said = [process.stdout.readline().strip() for _ in range(3)]
    assert said == ["job.completed: 7f3c, 12 nodes", "refused: no signature matches", "job.completed: 7f3c, 12 nodes"]

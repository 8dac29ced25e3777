"""docling-serve's clients against the real service: docling's SDK, LangChain's loader, and other programs' requests."""

from __future__ import annotations

import gc
import json
import threading
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.conformance.checks import Check
from tests.conformance.recorded_requests import RECORDED
from tests.conformance.sdk import LANGCHAIN, SDK

WATCHERS = 200


# The SDK leaves files open. They are closed before the next test, which would have to answer for them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("check", [*SDK, *LANGCHAIN, *RECORDED], ids=str)
def test_a_client_of_docling_serve_gets_what_it_needs(url: str, check: Check) -> None:
    check.run(url)
    gc.collect()


def test_many_watchers_of_a_task_all_see_its_end_and_hold_nobody_up(url: str, documents: Path) -> None:
    files = {"files": ("report.pdf", (documents / "report.pdf").read_bytes())}
    task_id = httpx.post(f"{url}/v1/convert/file/async", files=files).json()["task_id"]
    ends: list[str] = []

    def watch() -> None:
        with connect(f"{url.replace('http', 'ws', 1)}/v1/status/ws/{task_id}") as socket:
            ends.append([json.loads(frame)["task"]["task_status"] for frame in socket][-1])

    watchers = [threading.Thread(target=watch) for _ in range(WATCHERS)]
    for watcher in watchers:
        watcher.start()
    small = httpx.post(f"{url}/v1/convert/file", files={"files": ("a.md", b"# A")}, timeout=120)
    for watcher in watchers:
        watcher.join()
    assert ends == ["success"] * WATCHERS
    assert small.json()["status"] == "success"

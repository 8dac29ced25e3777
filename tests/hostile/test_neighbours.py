"""Another owner's tiny files are parsed while hostile files occupy the parsers of a real service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.service import service
from client import DoclingParserClient
from client.keys import digest, new_key
from tests.hostile.cases import CASES
from tests.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: A page that hangs, one that crashes, one that fills the memory, many large pictures, and a long text.
WORST = ("form_doubling.pdf", "picture_of_itself.pdf", "stream_bomb.pdf", "pages.tif", "paragraphs.docx")
PAGE_DEADLINE_S = 5.0
PATIENCE_S = 600.0  # for a busy machine


@pytest.fixture(params=[2, 1])
def clients(request: pytest.FixtureRequest) -> Iterator[tuple[int, DoclingParserClient, DoclingParserClient]]:
    """How many parsers a service has, and two owners of it."""
    keys = {"hostile": new_key(), "neighbour": new_key()}
    settings = {
        "API_KEYS": "\n".join(f"{name}:{digest(key)}" for name, key in keys.items()),
        "PARSER_MIN_REPLICAS": str(request.param),
        "PARSER_MAX_REPLICAS": str(request.param),
        "PARSER_NUM_CPUS": "0.5",
        "PAGE_DEADLINE_S": str(PAGE_DEADLINE_S),
    }
    with (
        service(**settings) as url,
        DoclingParserClient(url, api_key=keys["hostile"]) as hostile,
        DoclingParserClient(url, api_key=keys["neighbour"]) as neighbour,
    ):
        print(f"\n{request.param} parsers, a page deadline of {PAGE_DEADLINE_S:.0f} s")
        yield request.param, hostile, neighbour


def answered_after_s(client: DoclingParserClient, path: Path) -> float:
    began = time.monotonic()
    results = client.submit_and_wait(path, timeout=PATIENCE_S)
    assert (results["successful"], results["failed"]) == (1, 0)
    return time.monotonic() - began


def ended(client: DoclingParserClient, job_id: str) -> tuple[float, str]:
    """When a job ended, in monotonic time, and its status."""
    job = client.wait_for_job(job_id, timeout=PATIENCE_S)
    return time.monotonic(), job["status"]


@pytest.mark.timeout(1_800)
def test_a_tiny_file_of_another_owner_is_answered_beside_a_hostile_file(
    clients: tuple[int, DoclingParserClient, DoclingParserClient], tmp_path: Path
) -> None:
    parsers, hostile, neighbour = clients
    tiny = tmp_path / "tiny.md"
    tiny.write_text("# Tides\n\nThe ferry leaves at nine.")
    for name in WORST:
        (tmp_path / name).write_bytes(CASES[name]())
        # The last attack may have killed a parser.
        eventually(lambda: neighbour.health()["replicas"] == parsers, within_s=PATIENCE_S)
        job_id = hostile.submit_job(tmp_path / name)["job_id"]
        with ThreadPoolExecutor(1) as thread:
            attack = thread.submit(ended, hostile, job_id)
            seconds = answered_after_s(neighbour, tiny)
            answered_at = time.monotonic()
            ended_at, status = attack.result()
        print(
            f"{name}: the tiny file was answered after {seconds:.1f} s, the hostile one {ended_at - answered_at:+.1f} s"
        )
        assert status == "completed"  # with a result or a failed entry: it was not lost
        if parsers > 1:
            assert answered_at < ended_at

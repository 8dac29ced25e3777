"""A second application on the cluster: four parsers, three dispatchers and two registries."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from ray import serve

from actors.job_ids import shard_of
from client import DoclingParserClient
from serve_app.app import compose
from serve_app.local import NO_ACCESS_LOG
from serve_app.settings import Settings
from tests.cluster.asking import AskingEngine
from tests.cluster.conftest import AT_ONCE, ReplicaPids
from tests.faults.test_churn import GIVE_UP_AFTER_S, TRANSIENT, Client
from tests.model_endpoint import FakeModel, Reply, Request, doctags, said
from tests.waiting import eventually_async

APP = "many"
PARSERS = 4
DISPATCHERS = 3
EACH = 3  # jobs of a dispatcher at once
JOBS = 24
PAGES = 16  # of a job; each of them takes a parser 0.1 s
PAGES_ASKED = 40


@pytest.fixture(scope="module")
def many(url: str, settings: Settings) -> Iterator[str]:
    """The application's address. It has a journal of its own."""
    own = {
        "database_url": f"sqlite:///{settings.state_dir}/{APP}.db",
        "blob_url": f"{settings.state_dir}/{APP}-blobs",
        "parser_min_replicas": PARSERS,
        "parser_max_replicas": PARSERS,
        "parser_num_cpus": 0.5,
        "dispatchers": DISPATCHERS,
        "registry_shards": 2,
        "max_concurrent_requests": EACH,
    }
    serve.run(
        compose(settings.model_copy(update=own), AskingEngine),
        name=APP,
        route_prefix=f"/{APP}",
        logging_config=NO_ACCESS_LOG,
    )
    yield f"{url}/{APP}"
    serve.delete(APP)


def one_after_another(model: FakeModel) -> Callable[[Request], Reply]:
    """Answers one request at a time, and none before all others of `AT_ONCE` wait beside it."""
    turn, answers = threading.Lock(), count()

    def answer(request: Request) -> Reply:
        with turn:
            model.wait_for_requests(min(next(answers) + AT_ONCE, PAGES_ASKED), timeout_s=60)
        return said(doctags(request.page))

    return answer


def test_four_parsers_together_keep_the_endpoint_full_and_never_over_full(
    many: str, model: FakeModel, tmp_path: Path
) -> None:
    """The model gives one answer after another. Each time the next request has to come in place of the last one."""
    model.reset(one_after_another(model))
    document = tmp_path / "pages.pdf"
    document.write_text(str(PAGES_ASKED))
    with DoclingParserClient(many) as client:
        batch = client.submit_and_wait(document, options={"profile": "vlm", "cache": False})
    assert batch["results"][0]["num_nodes"] == PAGES_ASKED
    assert len({request.body["messages"][0]["text"] for request in model.requests}) > 1, "several parsers drew pages"
    assert (len(model.requests), model.most_at_once) == (PAGES_ASKED, AT_ONCE)


async def partial_files_of(http: httpx.AsyncClient, client: Client) -> list[dict[str, Any]]:
    answer = await http.get(f"/jobs/{client.job}/results", params={"partial": "true"})
    return (answer.json().get("partial") or {}).get("files", [])


async def test_jobs_of_a_killed_dispatcher_go_on_in_the_others(many: str, replica_pids: ReplicaPids) -> None:
    seen: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=many, timeout=30) as http:
        clients = [Client(http, f"several-{number}", seen, PAGES) for number in range(JOBS)]
        early, late = clients[: JOBS // 2], clients[JOBS // 2 :]
        await asyncio.gather(*(client.submit() for client in early))

        async def every_dispatcher_is_full() -> bool:
            return (await http.get("/health")).json()["running"] == DISPATCHERS * EACH

        await eventually_async(every_dispatcher_is_full, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="full dispatchers")

        async def known_partially() -> bool:
            return sum(map(bool, await asyncio.gather(*(partial_files_of(http, client) for client in early)))) > EACH

        await eventually_async(
            known_partially, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="partial results of two dispatchers"
        )
        await asyncio.gather(*(client.submit() for client in late))
        await eventually_async(
            every_dispatcher_is_full, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="full dispatchers again"
        )
        dispatchers = replica_pids("Dispatcher", APP)
        assert len(dispatchers) == DISPATCHERS
        os.kill(dispatchers[0], signal.SIGKILL)
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            await asyncio.gather(*(client.poll() for client in clients))
        statuses = [(await http.get(f"/jobs/{client.job}")).json() for client in clients]
    assert {shard_of(client.job) for client in clients} == {0, 1}
    assert [client.ends[0].split()[:2] for client in clients] == [["completed", f"{PAGES}/{PAGES}"]] * JOBS
    assert all(first == second for first, second in (client.ends for client in clients))
    delivered_again = sum(status["attempts"] > 1 for status in statuses)
    assert 1 <= delivered_again <= EACH
    assert set(seen) <= TRANSIENT

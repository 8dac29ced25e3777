"""How one model endpoint is asked: at most so many requests at once, repeated while a failure may pass."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from actors.errors import ModelUnavailable
from actors.remote_models import cancelled_jobs
from tests.model_endpoint import FakeModel, Reply, Request, doctags, failed, said
from tests.unit.remote_models.conftest import KEY, Asking, Clock, pages


def until(tries: int, bad: Reply) -> Callable[[Request], Reply]:
    """An endpoint that fails the first tries for each page."""
    return lambda request: bad if request.before < tries else said(doctags(request.page))


async def test_each_page_gets_its_own_answer(model: FakeModel, asking: Asking) -> None:
    answers = await asking().ask("job", pages(1, 2, 3))
    assert {page: answer.text for page, answer in answers.items()} == {n: doctags(n).strip() for n in (1, 2, 3)}
    assert not any(answer.failure for answer in answers.values())


async def test_request_names_the_model_the_prompt_and_the_parameters(model: FakeModel, asking: Asking) -> None:
    await asking().ask("job", pages(1))
    [asked] = model.requests
    assert asked.body == {
        "messages": [{"type": "text", "text": "Convert"}],
        "temperature": 0.0,
        "model": "granite-docling",
    }
    assert asked.headers["Authorization"] == f"Bearer {KEY}"


async def test_requests_at_once_reach_the_limit_and_never_pass_it(model: FakeModel, asking: Asking) -> None:
    eight = threading.Barrier(8, timeout=30)

    def answer(request: Request) -> Reply:
        eight.wait()
        return said(doctags(request.page))

    model.reset(answer)
    remote = asking(concurrency=8)
    jobs = (remote.ask(job, pages(*range(first, first + 12))) for job, first in (("a", 1), ("b", 13)))
    assert not any(answer.failure for answers in await asyncio.gather(*jobs) for answer in answers.values())
    assert model.most_at_once == 8


async def test_short_job_does_not_wait_behind_a_long_one(model: FakeModel, asking: Asking) -> None:
    remote = asking(concurrency=1)
    await asyncio.gather(remote.ask("long", pages(*range(1, 21))), remote.ask("short", pages(30)))
    assert 30 in [request.page for request in model.requests[:4]]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_failure_that_may_pass_is_repeated(model: FakeModel, asking: Asking, clock: Clock, status: int) -> None:
    model.reset(until(3, failed(status)))
    assert (await asking(clock).ask("job", pages(1)))[1].text == doctags(1).strip()
    assert len(model.requests) == 4
    assert clock.slept == sorted(clock.slept)


async def test_broken_off_answer_is_asked_for_again(model: FakeModel, asking: Asking, clock: Clock) -> None:
    model.reset(until(1, Reply(body=b"{" + b" " * 100, breaks=True)))
    assert not (await asking(clock).ask("job", pages(1)))[1].failure


async def test_endpoint_that_asks_for_a_pause_gets_it_from_all_requests(
    model: FakeModel, asking: Asking, clock: Clock
) -> None:
    model.reset(lambda request: failed(429, Retry_After="20") if len(model.requests) == 1 else said(doctags(1)))
    remote = asking(clock, concurrency=1)
    await remote.ask("job", pages(1))
    assert clock.now == pytest.approx(20)


async def test_page_that_always_fails_is_lost_while_others_are_read(
    model: FakeModel, asking: Asking, clock: Clock
) -> None:
    model.reset(lambda request: failed(500, "no memory for it") if request.page == 2 else said(doctags(request.page)))
    answers = await asking(clock, concurrency=1).ask("job", pages(2, 1, 3))
    assert answers[2].failure == "the model endpoint answered 500: no memory for it"
    assert [page for page, answer in answers.items() if answer.failure] == [2]


async def test_endpoint_that_answers_nobody_is_unavailable(model: FakeModel, asking: Asking, clock: Clock) -> None:
    model.reset(lambda _: failed(503))
    with pytest.raises(ModelUnavailable, match="The model endpoint 'granite' answered 503: overloaded"):
        await asking(clock).ask("job", pages(1, 2))


async def test_endpoint_that_cannot_be_reached_is_unavailable(model: FakeModel, asking: Asking, clock: Clock) -> None:
    model.url = "http://127.0.0.1:9/v1"
    with pytest.raises(ModelUnavailable, match="'granite' cannot be reached"):
        await asking(clock).ask("job", pages(1))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "refuses its key"),
        (403, "refuses its key"),
        (404, "does not know the URL or the model"),
        (302, "redirects"),
    ],
)
async def test_answer_that_every_request_would_get_is_not_repeated(
    model: FakeModel, asking: Asking, status: int, reason: str
) -> None:
    model.reset(lambda _: failed(status, f"the key {KEY} is wrong", Location="http://127.0.0.1:9/"))
    with pytest.raises(ModelUnavailable, match=reason) as refused:
        await asking().ask("job", pages(1))
    assert len(model.requests) == 1
    assert KEY not in str(refused.value)


async def test_dead_endpoint_rests_and_then_gets_one_request(model: FakeModel, asking: Asking, clock: Clock) -> None:
    model.reset(lambda _: failed(503))
    remote = asking(clock)
    with pytest.raises(ModelUnavailable):
        await remote.ask("job", pages(1))
    tried = len(model.requests)
    with pytest.raises(ModelUnavailable, match="has not answered for a while"):
        await remote.ask("job", pages(2, 3, 4))
    assert len(model.requests) == tried

    clock.now += 60
    with pytest.raises(ModelUnavailable):
        await remote.ask("job", pages(2, 3, 4))
    assert len(model.requests) == tried + 1


async def test_endpoint_that_comes_back_is_used_again(model: FakeModel, asking: Asking, clock: Clock) -> None:
    model.reset(lambda _: failed(503))
    remote = asking(clock)
    with pytest.raises(ModelUnavailable):
        await remote.ask("job", pages(1))
    model.reset(lambda request: said(doctags(request.page)))
    clock.now += 60
    assert not (await remote.ask("job", pages(1)))[1].failure
    assert not any(answer.failure for answer in (await remote.ask("job", pages(2, 3))).values())


async def test_page_whose_answer_never_comes_is_lost(model: FakeModel, asking: Asking) -> None:
    model.reset(lambda request: Reply(hangs=True) if request.page == 2 else said(doctags(request.page)))
    answers = await asking(timeout_s=3.0).ask("job", pages(1, 2, 3))
    assert answers[2].failure == "the model endpoint did not answer within 3 s"
    assert [page for page, answer in answers.items() if answer.failure] == [2]


async def test_endpoint_that_never_answers_anything_is_unavailable(model: FakeModel, asking: Asking) -> None:
    model.reset(lambda _: Reply(hangs=True))
    with pytest.raises(ModelUnavailable, match=r"did not answer within 0\.1 s"):
        await asking(timeout_s=0.1, concurrency=4).ask("job", pages(*range(1, 9)))


async def test_cancelled_caller_ends_its_requests(model: FakeModel, asking: Asking) -> None:
    model.reset(lambda _: Reply(hangs=True))
    asked = asyncio.create_task(asking(concurrency=3).ask("job", pages(*range(1, 9))))
    await asyncio.to_thread(model.wait_for_requests, 3)
    asked.cancel()
    await asyncio.to_thread(model.wait_for_broken_off, 3)
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert len(model.requests) == 3


async def test_cancelled_job_leaves_its_places_to_other_jobs(
    model: FakeModel, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call of the job is cancelled as well, but its message comes later."""
    monkeypatch.setattr(cancelled_jobs, "REST_S", 3600.0)
    model.reset(lambda request: Reply(hangs=True) if request.page < 7 else said(doctags(request.page)))
    remote = asking(concurrency=3)
    first = asyncio.create_task(remote.ask("job", pages(1, 2, 3)))
    await asyncio.to_thread(model.wait_for_requests, 3)
    second = asyncio.create_task(remote.ask("job", pages(4, 5, 6)))
    other = asyncio.create_task(remote.ask("other", pages(7, 8, 9)))
    await asyncio.sleep(0)
    first.cancel()
    await other
    second.cancel()
    await asyncio.wait([first, second])
    assert {request.page for request in model.requests} == {1, 2, 3, 7, 8, 9}


async def test_call_that_comes_after_the_cancel_of_its_job_begins_no_request_for_a_while(
    model: FakeModel, asking: Asking, clock: Clock
) -> None:
    model.reset(lambda request: Reply(hangs=True) if request.page == 1 else said(doctags(request.page)))
    remote = asking(clock)
    cancelled = asyncio.create_task(remote.ask("job", pages(1)))
    await asyncio.to_thread(model.wait_for_requests, 1)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert not (await remote.ask("job", pages(2)))[2].failure
    assert clock.slept == [cancelled_jobs.REST_S]
    assert not (await remote.ask("job", pages(3)))[3].failure
    assert clock.slept == [cancelled_jobs.REST_S]


async def test_job_whose_model_is_down_ends_its_other_requests(model: FakeModel, asking: Asking) -> None:
    model.reset(lambda request: failed(401) if request.page == 2 else Reply(hangs=True))
    with pytest.raises(ModelUnavailable):
        await asking().ask("job", pages(1, 2))
    await asyncio.to_thread(model.wait_for_broken_off, 1)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (said("<doctag><text>Half a", finish="length"), "cut off"),
        (said("<doctag>", finish="content_filter"), "content filter"),
        (said("I cannot read this page."), "is not DocTags"),
        (said(""), "is empty"),
        (Reply(body=b"<html>"), "is no chat completion"),
        (Reply(body=b'{"choices": []}'), "is no chat completion"),
        (Reply(body=b'{"choices": [{"message": {"content": 5}}]}'), "is no chat completion"),
        (Reply(body=b"[]"), "is no chat completion"),
        (failed(400, "the picture is too large"), "answered 400: the picture is too large"),
        (Reply(status=422, body=b"nonsense"), "answered 422"),
    ],
    ids=["cut off", "filtered", "prose", "empty", "html", "no choice", "number", "list", "refused", "unspoken"],
)
async def test_useless_answer_is_a_failure_of_its_page_alone(
    model: FakeModel, asking: Asking, reply: Reply, failure: str
) -> None:
    model.reset(lambda request: reply if request.page == 2 else said(doctags(request.page)))
    answers = await asking().ask("job", pages(1, 2))
    assert failure in answers[2].failure
    assert not answers[1].failure
    assert len(model.requests) == 2


async def test_key_that_the_endpoint_repeats_is_not_passed_on(
    model: FakeModel, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(lambda request: failed(400, f"no quota for {KEY}"))
    remote = asking()
    answers = await remote.ask("job", pages(1))
    assert answers[1].failure == "the model endpoint answered 400: no quota for ***"
    assert KEY not in caplog.text + repr(remote) + repr(vars(remote))


async def test_endpoint_that_is_gone_from_the_settings_is_unavailable(model: FakeModel, asking: Asking) -> None:
    with pytest.raises(ModelUnavailable, match="no model endpoint 'qwen' any more"):
        await asking().ask("job", replace(pages(1), endpoint="qwen"))

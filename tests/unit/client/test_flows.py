"""Flows driven step by step, without a transport."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import ConnectionFailed, RequestTimeout, Unavailable, UnexpectedAnswer
from client._flows import flows_for
from client._retry import LONGEST_BACKOFF_S, Patience, Send, Sleep, exchange

URL = "http://server/x"


def patience(times: Iterator[float] | None = None, *, jitter: float = 1.0, timeout: float | None = 60.0) -> Patience:
    clock = (lambda: next(times)) if times else (lambda: 0.0)
    return Patience(timeout=timeout, retry_for=30.0, clock=clock, jitter=lambda: jitter)


def get() -> httpx.Request:
    return httpx.Request("GET", URL)


def answer(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=get(), json={})


def test_success_ends_the_flow_with_the_response() -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    assert isinstance(next(flow), Send)
    response = answer(200)
    with pytest.raises(StopIteration) as end:
        flow.send(response)
    assert end.value.value is response


def test_backoff_doubles_up_to_its_longest() -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    pauses = []
    next(flow)
    for _ in range(7):
        step = flow.throw(httpx.ConnectError("refused"))
        assert isinstance(step, Sleep)
        pauses.append(step.seconds)
        next(flow)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, LONGEST_BACKOFF_S]


def test_every_retry_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="client")
    flow = exchange(get(), patience(), deadline=math.inf)
    next(flow)
    flow.throw(httpx.ConnectError("refused"))
    assert caplog.messages == ["cannot reach http://server/x: refused; trying again in 0.5 s"]


def test_jitter_is_full() -> None:
    flow = exchange(get(), patience(jitter=0.0), deadline=math.inf)
    next(flow)
    assert flow.send(answer(503)) == Sleep(0.0)


def test_retry_after_is_read_as_a_number_and_as_a_date() -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    next(flow)
    assert flow.send(answer(503, **{"retry-after": "12"})) == Sleep(12.0)
    next(flow)
    at = (datetime.now(UTC) + timedelta(seconds=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    step = flow.send(answer(503, **{"retry-after": at}))
    assert isinstance(step, Sleep)
    assert 15.0 < step.seconds <= 20.0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "²", "0", "Sat, 01 Jan 2000 00:00:00 GMT"])
def test_retry_after_that_asks_for_nothing_means_backoff(value: str) -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    next(flow)
    response = httpx.Response(503, headers=[(b"retry-after", value.encode())], request=get())
    assert flow.send(response) == Sleep(0.5)


def test_trouble_is_counted_from_its_beginning_and_anew_after_patience_was_asked_for() -> None:
    clock = iter([0.0, 29.0, 29.0, 30.0, 30.0, 58.0])
    flow = exchange(get(), patience(clock, jitter=0.0), deadline=math.inf)
    next(flow)
    assert flow.throw(httpx.ReadError("reset")) == Sleep(0.0)
    next(flow)
    assert flow.send(answer(429)) == Sleep(0.0)
    next(flow)
    assert flow.throw(httpx.ReadError("reset")) == Sleep(0.0)


def test_trouble_past_retry_for_is_raised() -> None:
    clock = iter([0.0, 10.0, 10.0, 41.0])
    flow = exchange(get(), patience(clock, jitter=0.0), deadline=math.inf)
    next(flow)
    flow.send(answer(503))
    next(flow)
    with pytest.raises(Unavailable, match="HTTP 503"):
        flow.send(answer(503))


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (httpx.ReadTimeout("t"), RequestTimeout),
        (httpx.WriteTimeout("t"), RequestTimeout),
        (httpx.UnsupportedProtocol("p"), UnexpectedAnswer),
        (httpx.LocalProtocolError("p"), UnexpectedAnswer),
        (httpx.DecodingError("d"), UnexpectedAnswer),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_what_another_try_cannot_mend_is_raised_at_once(failure: Exception, raised: type[Exception]) -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    next(flow)
    with pytest.raises(raised, match="http://server/x") as caught:
        flow.throw(failure)
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize("kind", [httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ReadError, httpx.ProxyError])
def test_connection_trouble_says_what_it_was(kind: type[httpx.TransportError]) -> None:
    flow = exchange(get(), Patience(timeout=None, retry_for=0.0, clock=lambda: 0.0, jitter=lambda: 1.0), deadline=9.0)
    next(flow)
    with pytest.raises(ConnectionFailed, match=kind.__name__):
        flow.throw(kind(""))


def test_file_that_cannot_be_read_ends_the_flow() -> None:
    flow = exchange(get(), patience(), deadline=math.inf)
    next(flow)
    with pytest.raises(PermissionError):
        flow.throw(PermissionError("a.pdf"))


@pytest.mark.parametrize(("timeout", "connect"), [(None, 10.0), (60.0, 10.0), (4.0, 4.0)])
def test_timeouts_of_a_request_are_what_is_left(timeout: float | None, connect: float) -> None:
    step = next(flows_for("http://server", None, patience(timeout=timeout)).health())
    assert isinstance(step, Send)
    assert step.request.extensions["timeout"] == {
        "connect": connect,
        "read": timeout,
        "write": timeout,
        "pool": timeout,
    }


def test_no_key_no_authorization() -> None:
    assert "Authorization" not in flows_for("http://server/", None, patience()).headers


def test_address_that_is_none_is_an_error_of_the_client() -> None:
    with pytest.raises(UnexpectedAnswer, match="http://server:80a is not an http or https address"):
        flows_for("http://server:80a", None, patience())


def test_base_url_may_hold_a_path_and_a_slash() -> None:
    step = next(flows_for("http://server/docs/", None, patience()).health())
    assert isinstance(step, Send)
    assert str(step.request.url) == "http://server/docs/health"


def test_closed_download_leaves_no_partial_file(tmp_path: Path) -> None:
    flow = flows_for("http://server", None, patience()).download_results("j", tmp_path / "out", export="json")
    next(flow)
    assert [path.name for path in tmp_path.iterdir()] == ["out.part"]
    flow.close()
    assert list(tmp_path.iterdir()) == []


def test_completed_job_without_results_is_an_error_not_a_none() -> None:
    flow = flows_for("http://server", None, patience()).result("j1")
    assert isinstance(next(flow), Send)
    with pytest.raises(RuntimeError, match="without results"):
        flow.send(reply({"job_id": "j1", "status": "completed", "results": None, "error": None}))


def reply(body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(body), request=get())

"""The same scripted exchanges through both clients: both must send, sleep, return and raise the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import client
from client import AsyncDoclingParserClient, DoclingParserClient
from client.models import JobSource, ParseOptions, UrlSource

PENDING = {"job_id": "j1", "status": "pending", "submitted_at": 1.0, "started_at": None, "completed_at": None}
PROCESSING = {**PENDING, "status": "processing", "started_at": 2.0}
COMPLETED = {**PROCESSING, "status": "completed", "completed_at": 3.0}
CANCELLED = {**PROCESSING, "status": "failed", "error": "cancelled by the caller", "reason": "cancelled"}
FAILED = {**PROCESSING, "status": "failed", "error": "no parser could be started"}
FILE = {"filename": "a.md", "success": True, "nodes": [{"text": "A"}], "num_nodes": 1, "error": None}
BATCH = {
    "results": [FILE],
    "total_files": 1,
    "successful": 1,
    "failed": 0,
    "total_nodes": 1,
    "total_processing_time_ms": 5.0,
}
RESULTS = {"job_id": "j1", "status": "completed", "results": BATCH, "error": None}
NO_RESULTS = {"job_id": "j1", "status": "failed", "results": None, "error": "why"}
DELIVERY = {
    "kind": "webhook",
    "url": "http://me/",
    "state": "failed",
    "messages_sent": 0,
    "failed_attempts": 7,
    "last_status": 500,
    "last_error": "HTTP 500",
}
SUBMITTED = {"job_id": "j1", "status": "pending", "message": "Job submitted successfully with 1 file(s)"}


def page(done: int) -> dict[str, Any]:
    """A running job that has parsed `done` pages."""
    return {**PROCESSING, "progress": {"pages_total": 9, "pages_done": done}}


def event(number: int, status: dict[str, Any]) -> bytes:
    name = "end" if status["status"] in ("completed", "failed") else "status"
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(status)}\n\n".encode()


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"title": "t", "status": status, "detail": "the detail", "code": code, "request_id": "r-1"}
    return httpx.Response(status, json=body, headers=headers)


@dataclass
class Answer:
    """The server's answer, after holding the request for `takes` seconds of the fake clock."""

    body: Any
    status: int = 200
    takes: float = 0.0

    def make(self) -> httpx.Response:
        return httpx.Response(self.status, json=self.body)


EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8"}


@dataclass
class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream of events that breaks off after some seconds of the fake clock."""

    body: bytes
    lasts: float = 0.0
    error: Exception = field(default_factory=lambda: httpx.RemoteProtocolError("peer closed connection"))
    let_pass: Callable[[float], None] = lambda _: None

    def __iter__(self) -> Iterator[bytes]:
        yield self.body
        self.let_pass(self.lasts)
        raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block


@dataclass
class World:
    """A server that plays a script, with a fake clock for the clients."""

    script: list[Answer | Broken | httpx.Response | Exception]
    now: float = 100.0
    requests: list[httpx.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def let_pass(self, seconds: float) -> None:
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.let_pass(seconds)

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.bodies.append(request.content)
        assert self.script, f"unexpected {request.method} {request.url}"
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Broken):
            answer.let_pass = self.let_pass
            return httpx.Response(200, headers=EVENT_STREAM, stream=answer)
        if isinstance(answer, Answer):
            self.now += answer.takes
            return answer.make()
        # A response can be sent once, and a script may hold it twice.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


Call = Callable[..., Any]
Play = Callable[..., tuple[Call, World]]


@pytest.fixture(params=["sync", "async"])
def play(request: pytest.FixtureRequest) -> Play:
    """`call, world = play(answers...)`; then `call("method", ...)` runs that method of the client under test."""

    def start(*answers: Any, **settings: Any) -> tuple[Call, World]:
        script = [a if isinstance(a, Answer | Broken | httpx.Response | Exception) else Answer(a) for a in answers]
        world = World(script)
        maker = _sync_call if request.param == "sync" else _async_call
        return maker(world, settings), world

    return start


def _sync_call(world: World, settings: dict[str, Any]) -> Call:
    http = httpx.Client(transport=httpx.MockTransport(world.handle))
    parser = DoclingParserClient(http=http, sleep=world.sleep, clock=world.clock, **settings)

    def call(method: str, *args: Any, **kwargs: Any) -> Any:
        if method.startswith("job."):
            result = getattr(parser.job(args[0]), method.removeprefix("job."))(*args[1:], **kwargs)
        else:
            result = getattr(parser, method)(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result

    return call


def _async_call(world: World, settings: dict[str, Any]) -> Call:
    async def handle(request: httpx.Request) -> httpx.Response:
        await request.aread()
        return world.handle(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    parser = AsyncDoclingParserClient(http=http, sleep=world.async_sleep, clock=world.clock, **settings)

    async def run(method: str, *args: Any, **kwargs: Any) -> Any:
        if method.startswith("job."):
            result = getattr(parser.job(args[0]), method.removeprefix("job."))(*args[1:], **kwargs)
        else:
            result = getattr(parser, method)(*args, **kwargs)
        return [each async for each in result] if hasattr(result, "__aiter__") else await result

    return lambda method, *args, **kwargs: asyncio.run(run(method, *args, **kwargs))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "a.md"
    path.write_text("# A\n")
    return path


# --- the calls that existing code makes --------------------------------------------------------------------------


def test_health_is_the_servers_json(play: Play) -> None:
    call, world = play({"status": "healthy", "version": "1"})
    assert call("health") == {"status": "healthy", "version": "1"}
    assert world.asked == ["GET /health"]


def test_info_is_what_the_server_says_of_itself(play: Play) -> None:
    call, world = play({"name": "docfleet", "supported_formats": [".pdf"]})
    assert call("info")["supported_formats"] == [".pdf"]
    assert world.asked == ["GET /"]


def test_submit_sends_files_in_order_under_their_own_names(play: Play, tmp_path: Path) -> None:
    for name in ("b.md", 'a "1".md', "ü.txt"):
        (tmp_path / name).write_text(f"content of {name}")
    call, world = play(Answer(SUBMITTED, 202))
    answer = call("submit_job", tmp_path / "b.md", str(tmp_path / 'a "1".md'), tmp_path / "ü.txt")
    assert answer == SUBMITTED
    parts = multipart(world)
    assert [(name, filename) for name, filename, _ in parts] == [
        ("files", "b.md"),
        ("files", "a %221%22.md"),
        ("files", "ü.txt"),
    ]
    assert parts[2][2] == "content of ü.txt".encode()


def test_urls_are_sent_as_sources_between_the_files(play: Play, document: Path) -> None:
    source = UrlSource(url="https://b.test/b", headers={"Authorization": "sesame"}, filename="b.pdf")
    assert "sesame" not in repr(source)
    call, world = play(Answer(SUBMITTED, 202))
    call("submit_job", "HTTPS://a.test/a.pdf", document, source)
    (_, _, first), (name, filename, _), (_, no_name, second) = multipart(world)
    assert (name, filename, no_name) == ("files", "a.md", None)
    assert json.loads(first) == [{"url": "HTTPS://a.test/a.pdf", "headers": {}}]
    assert json.loads(second) == [{"url": source.url, "headers": {"Authorization": "sesame"}, "filename": "b.pdf"}]


def test_files_of_an_earlier_job_are_named_instead_of_sent(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), problem(410, "input_gone"))
    call("submit_job", JobSource(job_id="j0"), document, JobSource(job_id="j0", file=2))
    sent = [(name, json.loads(value)) for name, _, value in multipart(world) if name == "sources"]
    assert sent == [("sources", [{"job_id": "j0"}]), ("sources", [{"job_id": "j0", "file": 2}])]
    with pytest.raises(client.ExportUnavailable):
        call("submit_job", JobSource(job_id="j0"))


def test_submit_sends_only_the_fields_that_are_set(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202))
    call("submit_job", document, callback_url="http://me/", task_id="t", metadata={"source": "x"})
    fields = {name: value for name, filename, value in multipart(world) if filename is None}
    assert fields == {"callback_url": b"http://me/", "task_id": b"t", "metadata": b'{"source": "x"}'}


def test_submit_says_what_the_callback_brings(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202))
    call("submit_job", document, callback_url="http://me/", callback_content="chunks")
    fields = {name: value for name, filename, value in multipart(world) if filename is None}
    assert fields == {"callback_url": b"http://me/", "callback_content": b"chunks"}


def test_status_and_results_are_the_servers_json(play: Play) -> None:
    call, world = play(PENDING, RESULTS)
    assert call("get_job_status", "j1") == PENDING
    assert call("get_job_results", "j1") == RESULTS
    assert world.asked == ["GET /jobs/j1", "GET /jobs/j1/results"]


def test_parse_single_is_the_first_result(play: Play, document: Path) -> None:
    call, world = play(BATCH)
    assert call("parse_single", document) == FILE
    assert world.asked == ["POST /parse"]


def test_parse_that_outlasts_the_server_waits_for_its_job(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), RESULTS)
    assert call("parse", document) == BATCH
    assert world.asked == ["POST /parse", "GET /jobs/j1/results?wait=1"]


def test_submit_and_wait_asks_for_the_batch_until_it_is_there(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), Answer(PENDING, takes=1.0), RESULTS)
    assert call("submit_and_wait", document) == BATCH
    assert world.asked == ["POST /submit", "GET /jobs/j1/results?wait=1", "GET /jobs/j1/results"]
    assert sum(world.slept) == 0


def test_submit_and_wait_follows_the_job_for_whoever_wants_to_see_its_progress(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), COMPLETED, RESULTS)
    seen: list[Any] = []
    assert call("submit_and_wait", document, on_progress=seen.append) == BATCH
    assert world.asked == ["POST /submit", "GET /jobs/j1?wait=1", "GET /jobs/j1/results"]
    assert seen == [COMPLETED]


def test_a_failure_that_was_seen_as_progress_is_not_asked_for_again(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), FAILED)
    with pytest.raises(client.JobFailed, match="no parser could be started"):
        call("submit_and_wait", document, on_progress=lambda status: None)
    assert world.asked == ["POST /submit", "GET /jobs/j1?wait=1"]


@pytest.mark.parametrize("method", ["parse", "parse_single", "submit_job", "submit_and_wait"])
def test_missing_path_is_found_before_anything_is_sent(play: Play, document: Path, method: str) -> None:
    call, world = play()
    paths = ["nowhere.pdf"] if method == "parse_single" else [document, "nowhere.pdf"]
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pdf") as caught:
        call(method, *paths)
    assert isinstance(caught.value, client.MissingFile)
    assert world.requests == []


def test_job_that_failed_raises_a_runtime_error(play: Play, document: Path) -> None:
    call, _ = play(Answer(SUBMITTED, 202), NO_RESULTS, FAILED)
    with pytest.raises(RuntimeError, match="no parser could be started") as caught:
        call("submit_and_wait", document)
    assert isinstance(caught.value, client.JobFailed)


def test_cancelled_job_raises_its_own_error(play: Play, document: Path) -> None:
    call, _ = play(Answer(SUBMITTED, 202), NO_RESULTS, CANCELLED)
    with pytest.raises(client.JobCancelled, match="j1 was cancelled"):
        call("submit_and_wait", document)


def test_timeout_raises_and_names_the_job_that_goes_on(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), Answer(PENDING, takes=1.0), Answer(PENDING, takes=1.5))
    with pytest.raises(TimeoutError, match=r"j1 did not end within 2\.5 s") as caught:
        call("submit_and_wait", document, timeout=2.5)
    assert isinstance(caught.value, client.JobTimeout)
    assert world.now >= 102.5


def test_timeout_may_be_longer_than_the_clients_own(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), *[Answer(PENDING, takes=4.0)] * 4, timeout=5.0)
    with pytest.raises(client.JobTimeout, match="within 12 s"):
        call("submit_and_wait", document, poll_interval=4.0, timeout=12.0)
    assert world.now == 112.0


def test_parse_that_became_a_job_ends_with_the_clients_timeout(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202, takes=3.0), *[Answer(PENDING, takes=1.0)] * 9, timeout=5.0)
    with pytest.raises(client.JobTimeout, match="within 5 s"):
        call("parse", document)
    assert world.now == 105.0


# --- waiting -----------------------------------------------------------------------------------------------------


def test_server_that_cannot_hold_an_answer_is_polled_at_the_interval(play: Play) -> None:
    call, world = play(*[PENDING] * 4, COMPLETED)
    assert call("wait_for_job", "j1", poll_interval=2.0) == COMPLETED
    assert world.slept == pytest.approx([0.0, 2.0, 2.0, 2.0])


def test_server_that_holds_its_answer_is_asked_again_at_once(play: Play) -> None:
    held = [Answer(PENDING, takes=2.0)] * 3
    call, world = play(*held, Answer(COMPLETED, takes=0.3))
    call("wait_for_job", "j1", poll_interval=2.0)
    assert world.asked == ["GET /jobs/j1?wait=2", "GET /jobs/j1"] * 2
    assert world.slept == [0.0] * 3


def test_end_that_the_server_missed_while_it_held_its_answer_costs_one_hold(play: Play) -> None:
    call, world = play(Answer(PENDING, takes=30.0), COMPLETED)
    assert call("wait_for_job", "j1", poll_interval=30.0, timeout=600.0) == COMPLETED
    assert world.asked == ["GET /jobs/j1?wait=30", "GET /jobs/j1"]
    assert world.now == 130.0


def test_frequent_changes_are_not_all_fetched(play: Play) -> None:
    call, world = play(*[Answer(page(n), takes=0.001) for n in range(9)], COMPLETED)
    world.now = 0.0
    call("wait_for_job", "j1", poll_interval=5.0)
    assert all(pause > 0 for pause in world.slept)
    assert max(world.slept) <= 0.25


def test_no_look_is_held_longer_than_the_time_left(play: Play) -> None:
    call, world = play(Answer(PENDING, takes=1.0), PENDING, Answer(PENDING, takes=0.5))
    with pytest.raises(client.JobTimeout):
        call("wait_for_job", "j1", poll_interval=1.0, timeout=1.5)
    assert world.asked == ["GET /jobs/j1?wait=1", "GET /jobs/j1", "GET /jobs/j1?wait=0.5"]


def test_held_answer_may_take_longer_than_the_clients_own_timeout(play: Play) -> None:
    call, world = play(Answer(PENDING, takes=30.0), COMPLETED, timeout=5.0)
    call("wait_for_job", "j1", poll_interval=30.0)
    assert world.requests[0].extensions["timeout"]["read"] == 35.0


def test_answer_held_until_the_deadline_has_time_to_arrive(play: Play) -> None:
    call, world = play(COMPLETED)
    call("wait_for_job", "j1", poll_interval=30.0, timeout=20.0)
    assert world.asked == ["GET /jobs/j1?wait=20"]
    assert world.requests[0].extensions["timeout"]["read"] == 21.0


def test_silent_server_that_is_not_at_the_deadline_is_a_request_timeout(play: Play) -> None:
    call, _ = play(httpx.ReadTimeout("silence"), timeout=5.0)
    with pytest.raises(client.RequestTimeout):
        call("wait_for_job", "j1", timeout=500.0)


def test_progress_reports_each_new_status_once(play: Play) -> None:
    call, _ = play(page(1), page(1), page(2), COMPLETED)
    seen: list[dict[str, Any]] = []
    call("wait_for_job", "j1", on_progress=seen.append)
    assert seen == [page(1), page(2), COMPLETED]


def test_server_that_goes_silent_past_the_timeout_is_a_job_timeout(play: Play) -> None:
    call, _ = play(httpx.ReadTimeout("silence"))
    with pytest.raises(client.JobTimeout):
        call("wait_for_job", "j1", timeout=5.0)


def test_server_that_restarts_during_a_wait_is_waited_for(play: Play) -> None:
    starting = httpx.Response(404, text="Path '/jobs/j1' not found.")
    call, _ = play(PENDING, httpx.ConnectError("refused"), httpx.RemoteProtocolError("gone"), starting, COMPLETED)
    assert call("wait_for_job", "j1") == COMPLETED


# --- retries -----------------------------------------------------------------------------------------------------


def test_retried_submit_carries_the_same_key_and_the_whole_body_again(play: Play, tmp_path: Path) -> None:
    big = tmp_path / "big.pdf"
    big.write_bytes(b"0123456789" * 60_000)
    call, world = play(
        httpx.ReadError("reset"), problem(503, "unavailable", **{"retry-after": "7"}), Answer(SUBMITTED, 202)
    )
    assert call("submit_job", big) == SUBMITTED
    assert len({request.headers["idempotency-key"] for request in world.requests}) == 1
    assert world.bodies[0] == world.bodies[1] == world.bodies[2]
    assert big.read_bytes() in world.bodies[2]
    assert len(world.bodies[2]) == int(world.requests[2].headers["content-length"])
    assert world.slept[1] == 7.0


def test_two_submits_carry_different_keys(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), Answer(SUBMITTED, 202))
    call("submit_job", document)
    call("submit_job", document)
    assert len({request.headers["idempotency-key"] for request in world.requests}) == 2


def test_key_of_the_callers_own_is_sent(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202))
    call("submit_job", document, idempotency_key="order-17")
    assert world.requests[0].headers["idempotency-key"] == "order-17"


def test_submit_still_uploading_elsewhere_is_tried_again(play: Play, document: Path) -> None:
    call, _ = play(httpx.ReadError("reset"), problem(409, "idempotency_conflict"), Answer(SUBMITTED, 202))
    assert call("submit_job", document) == SUBMITTED


@pytest.mark.parametrize("status", [404, 429, 502, 503, 504])
def test_passing_trouble_is_retried(play: Play, status: int) -> None:
    call, world = play(httpx.Response(status, text="<html>"), {"status": "healthy"})
    assert call("health") == {"status": "healthy"}
    assert len(world.slept) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(problem(500, "internal"), client.ServerError, id="internal"),
        pytest.param(httpx.Response(500, text="Internal Server Error"), client.ServerError, id="500 without a code"),
        pytest.param(problem(422, "unknown_option"), client.InvalidRequest, id="unknown_option"),
        pytest.param(problem(415, "unsupported_format"), client.UnsupportedFormat, id="unsupported_format"),
        pytest.param(problem(415, "unsupported_encoding"), client.InvalidRequest, id="unsupported_encoding"),
        pytest.param(problem(413, "file_too_large"), client.FileTooLarge, id="file_too_large"),
        pytest.param(problem(422, "idempotency_mismatch"), client.IdempotencyMismatch, id="idempotency_mismatch"),
        pytest.param(problem(504, "deadline_exceeded"), client.ParseFailed, id="deadline_exceeded"),
        pytest.param(problem(401, "unauthorized"), client.Unauthorized, id="unauthorized"),
        pytest.param(problem(404, "job_not_found"), client.JobNotFound, id="job_not_found"),
        pytest.param(problem(410, "job_expired"), client.JobExpired, id="job_expired"),
        pytest.param(problem(409, "job_ended"), client.JobEnded, id="job_ended"),
        pytest.param(problem(409, "result_not_ready"), client.ResultNotReady, id="result_not_ready"),
        pytest.param(problem(406, "export_unavailable"), client.ExportUnavailable, id="export_unavailable"),
        pytest.param(problem(404, "not_found"), client.NotFound, id="not_found"),
        pytest.param(problem(405, "a_code_of_tomorrow"), client.ApiError, id="a_code_of_tomorrow"),
        pytest.param(
            httpx.Response(404, json={"detail": "Job j1 not found"}), client.NotFound, id="404 without a code"
        ),
        pytest.param(httpx.Response(302, headers={"location": "/login"}), client.ApiError, id="a redirect"),
    ],
)
def test_refusal_raises_its_own_class_at_once(play: Play, answer: httpx.Response, error: type[Exception]) -> None:
    call, world = play(answer)
    with pytest.raises(client.ApiError) as caught:
        call("get_job_status", "j1")
    assert type(caught.value) is error
    assert caught.value.status == answer.status_code
    assert world.slept == []


def test_error_carries_the_problems_members(play: Play) -> None:
    call, _ = play(problem(404, "job_not_found"))
    with pytest.raises(client.JobNotFound, match=r"the detail \(HTTP 404, job_not_found\)") as caught:
        call("get_job_status", "j1")
    assert (caught.value.detail, caught.value.code, caught.value.request_id) == ("the detail", "job_not_found", "r-1")


def test_trouble_that_lasts_raises_the_last_failure(play: Play) -> None:
    call, world = play(*[httpx.ConnectError("refused")] * 40, retry_for=10.0)
    with pytest.raises(ConnectionError, match="cannot reach http://localhost:8080/health: refused"):
        call("health")
    assert len(world.slept) >= 1
    assert world.now <= 110.0


def test_server_that_asks_for_patience_gets_it_past_retry_for(play: Play) -> None:
    busy = [problem(429, "queue_full", **{"retry-after": "30"}) for _ in range(4)]
    call, world = play(*busy, {"status": "healthy"}, retry_for=10.0)
    assert call("health") == {"status": "healthy"}
    assert world.slept == [30.0] * 4


def test_deadline_ends_patience(play: Play) -> None:
    busy = [problem(429, "queue_full", **{"retry-after": "30"}) for _ in range(4)]
    call, world = play(*busy)
    with pytest.raises(TimeoutError, match="the detail") as caught:
        call("health", timeout=70.0)
    assert isinstance(caught.value.__cause__, client.TooManyRequests)
    assert world.now == 160.0


def test_timeout_of_a_call_bounds_each_wait_for_bytes(play: Play) -> None:
    call, world = play({"status": "healthy"})
    call("health", timeout=3.0)
    assert world.requests[0].extensions["timeout"] == {"connect": 3.0, "read": 3.0, "write": 3.0, "pool": 3.0}


def test_answer_that_is_not_json_is_named(play: Play) -> None:
    call, _ = play(httpx.Response(200, text="<html>a router's login page</html>"))
    with pytest.raises(client.UnexpectedAnswer, match="/health"):
        call("health")


# --- what is new -------------------------------------------------------------------------------------------------


def test_api_key_is_sent_as_bearer_and_not_shown(play: Play) -> None:
    call, world = play({"status": "healthy"}, api_key="s3cret")
    call("health")
    assert world.requests[0].headers["authorization"] == "Bearer s3cret"


def test_options_travel_as_one_json_field_with_the_password_in_clear(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), Answer(SUBMITTED, 202))
    call("submit_job", document, options=ParseOptions.model_validate({"do_ocr": False, "password": "pw"}))
    call("submit_job", document, options={"page_range": [1, 3]})
    sent = [json.loads({name: value for name, _, value in multipart(world, nth)}["options"]) for nth in (0, 1)]
    assert sent == [{"do_ocr": False, "password": "pw"}, {"page_range": [1, 3]}]


def test_cancel_delete_and_list_use_their_routes(play: Play) -> None:
    call, world = play(CANCELLED, httpx.Response(204), {"jobs": [PENDING], "next_cursor": None})
    assert call("cancel_job", "j1") == CANCELLED
    assert call("delete_job", "j1") is None
    assert call("list_jobs", status="pending", limit=5, cursor="c") == {"jobs": [PENDING], "next_cursor": None}
    assert world.asked == ["POST /jobs/j1/cancel", "DELETE /jobs/j1", "GET /jobs?status=pending&limit=5&cursor=c"]


def test_delete_whose_answer_was_lost_has_succeeded(play: Play) -> None:
    call, world = play(httpx.ReadError("reset"), problem(404, "job_not_found"))
    assert call("delete_job", "j1") is None
    assert world.asked == ["DELETE /jobs/j1"] * 2


def test_delete_of_a_job_that_never_was_is_an_error(play: Play) -> None:
    call, _ = play(problem(404, "job_not_found"))
    with pytest.raises(client.JobNotFound):
        call("delete_job", "j1")


def test_job_id_cannot_leave_its_place_in_the_path(play: Play) -> None:
    call, world = play(PENDING)
    call("get_job_status", "../health?x=1")
    assert world.asked == ["GET /jobs/..%2Fhealth%3Fx%3D1"]


def test_job_handle_re_attaches_and_speaks_models(play: Play) -> None:
    call, _ = play(page(3), page(4), COMPLETED, RESULTS)
    seen: list[client.JobStatusResponse] = []
    assert call("job.status", "j1").progress.pages_done == 3
    result = call("job.result", "j1", on_progress=seen.append)
    assert result.results[0].nodes == [{"text": "A"}]
    assert [status.progress.pages_done for status in seen] == [4, 0]


def test_job_handle_waits_cancels_and_deletes(play: Play) -> None:
    call, _ = play(FAILED, CANCELLED, httpx.Response(204))
    assert call("job.wait", "j1").error == "no parser could be started"
    assert call("job.cancel", "j1").reason == client.ErrorCode.CANCELLED
    assert call("job.delete", "j1") is None


def test_events_are_the_jobs_statuses_up_to_its_end(play: Play) -> None:
    body = b": keepalive\n\n" + event(1, PENDING) + event(2, page(3)) + event(3, COMPLETED)
    call, world = play(httpx.Response(200, headers=EVENT_STREAM, content=body))
    assert call("events", "j1") == [PENDING, page(3), COMPLETED]
    assert world.asked == ["GET /jobs/j1/events"]
    assert "last-event-id" not in world.requests[0].headers
    assert world.requests[0].extensions["timeout"]["read"] == 60.0


def test_events_that_break_off_go_on_after_the_last_one_seen(play: Play) -> None:
    call, world = play(
        Broken(event(1, PENDING) + event(2, page(3)) + b"id: 3\nevent: end\ndata: {cut"),
        httpx.ConnectError("refused"),
        problem(503, "unavailable"),
        httpx.Response(200, headers=EVENT_STREAM, content=event(7, page(5))),
        httpx.Response(200, headers=EVENT_STREAM, content=event(9, COMPLETED)),
    )
    assert call("events", "j1") == [PENDING, page(3), page(5), COMPLETED]
    assert [request.headers.get("last-event-id") for request in world.requests] == [None, "2", "2", "2", "7"]


def test_events_of_a_job_that_ended_where_the_stream_broke_off_are_over(play: Play) -> None:
    call, _ = play(Broken(event(2, page(3))), httpx.Response(204))
    assert call("events", "j1") == [page(3)]


def test_events_of_a_deleted_job_end_with_its_error(play: Play) -> None:
    call, _ = play(httpx.Response(200, headers=EVENT_STREAM, content=event(1, PENDING)), problem(404, "job_not_found"))
    with pytest.raises(client.JobNotFound):
        call("events", "j1")


def test_events_that_break_off_again_and_again_are_given_up(play: Play) -> None:
    call, world = play(*[Broken(b"")] * 2000, retry_for=10.0)
    with pytest.raises(client.ConnectionFailed, match="keeps breaking off"):
        call("events", "j1")
    assert world.now >= 110.0


def test_events_of_a_quiet_job_outlive_a_proxy_that_cuts_every_stream(play: Play) -> None:
    cut = [Broken(b": keepalive\n\n", lasts=30.0) for _ in range(20)]
    call, _ = play(*cut, httpx.Response(200, headers=EVENT_STREAM, content=event(9, COMPLETED)), retry_for=10.0)
    assert call("events", "j1") == [COMPLETED]


def test_events_of_a_server_that_falls_silent_each_time_are_given_up(play: Play) -> None:
    silent = [Broken(b"", lasts=60.0, error=httpx.ReadTimeout("silence")) for _ in range(20)]
    call, world = play(*silent, retry_for=90.0)
    with pytest.raises(client.ConnectionFailed, match="keeps breaking off"):
        call("events", "j1")
    assert len(world.requests) < 5


def test_events_that_do_not_begin_are_asked_for_again(play: Play) -> None:
    stream = httpx.Response(200, headers=EVENT_STREAM, content=event(9, COMPLETED))
    call, world = play(httpx.ReadTimeout("silence"), stream)
    assert call("events", "j1") == [COMPLETED]
    assert len(world.slept) == 1


def test_something_other_than_events_is_named(play: Play) -> None:
    call, _ = play(httpx.Response(200, text="<html>a router's login page</html>"))
    with pytest.raises(client.UnexpectedAnswer, match="event-stream"):
        call("events", "j1")


def change(name: str, job: dict[str, Any], cursor: str | None = None) -> bytes:
    """An event of all jobs as the server writes it: only the last of a batch has an id."""
    number = f"id: {cursor}\n" if cursor else ""
    return f"{number}event: {name}\ndata: {json.dumps(job)}\n\n".encode()


def test_changes_of_all_jobs_come_until_the_key_is_revoked(play: Play) -> None:
    body = change("sync", {}, "a-1") + change("job", PENDING) + change("removed", {"job_id": "j2"}, "a-3")
    call, world = play(httpx.Response(200, headers=EVENT_STREAM, content=body), httpx.Response(204))
    assert call("watch_jobs") == [
        {"event": "sync", "id": "a-1", "job": {}},
        {"event": "job", "id": "a-1", "job": PENDING},
        {"event": "removed", "id": "a-3", "job": {"job_id": "j2"}},
    ]
    assert world.asked == ["GET /events"] * 2
    call, _ = play(httpx.Response(200, headers=EVENT_STREAM, content=body), problem(401, "unauthorized"))
    with pytest.raises(client.Unauthorized):
        call("watch_jobs")


def test_changes_of_all_jobs_go_on_after_the_last_one_that_was_seen_whole(play: Play) -> None:
    call, world = play(
        Broken(change("job", PENDING, "a-4") + change("job", page(3))),
        httpx.ConnectError("refused"),
        httpx.Response(200, headers=EVENT_STREAM, content=change("job", page(3)) + change("job", COMPLETED, "a-6")),
        httpx.Response(204),
    )
    assert [each["job"] for each in call("watch_jobs", after="a-3")] == [PENDING, page(3), page(3), COMPLETED]
    assert [request.headers["last-event-id"] for request in world.requests] == ["a-3", "a-4", "a-4", "a-6"]


def test_events_of_a_handle_are_models(play: Play) -> None:
    call, _ = play(httpx.Response(200, headers=EVENT_STREAM, content=event(1, page(3)) + event(2, COMPLETED)))
    assert [status.progress.pages_done for status in call("job.events", "j1")] == [3, 0]


def test_every_page_of_jobs_is_turned_as_it_is_needed(play: Play) -> None:
    call, world = play({"jobs": [PENDING, FAILED], "next_cursor": "c"}, {"jobs": [COMPLETED], "next_cursor": None})
    assert call("iter_jobs", status="failed") == [PENDING, FAILED, COMPLETED]
    assert world.asked == ["GET /jobs?status=failed&limit=100", "GET /jobs?status=failed&limit=100&cursor=c"]


def test_jobs_can_be_named(play: Play) -> None:
    call, world = play({"jobs": [PENDING], "next_cursor": None})
    call("list_jobs", ids=["j1", "j2"])
    assert world.asked == ["GET /jobs?ids=j1%2Cj2"]


def test_deliveries_are_told_and_sent_again(play: Play) -> None:
    told = {"job_id": "j1", "deliveries": [DELIVERY]}
    call, world = play(told, told, told)
    assert call("list_deliveries", "j1") == told
    assert call("redeliver", "j1") == told
    assert [delivery.state for delivery in call("job.deliveries", "j1")] == [client.DeliveryState.FAILED]
    assert world.asked == ["GET /jobs/j1/deliveries", "POST /jobs/j1/redeliver", "GET /jobs/j1/deliveries"]


def test_webhook_is_asked_for_with_the_job(play: Play, document: Path) -> None:
    call, world = play(Answer(SUBMITTED, 202), Answer(SUBMITTED, 202), RESULTS)
    call("submit_job", document, webhook_url="http://me/")
    call("submit_and_wait", document, webhook_url="http://me/")
    assert [{name: value for name, _, value in multipart(world, nth)}["webhook_url"] for nth in (0, 1)] == [
        b"http://me/"
    ] * 2


def test_parts_of_results_can_be_chosen(play: Play, tmp_path: Path) -> None:
    call, world = play(RESULTS, RESULTS, RESULTS)
    call("get_job_results", "j1", partial=True)
    call("get_job_results", "j1", pages="3-7")
    call("download_results", "j1", tmp_path / "out.json", pages="3")
    assert world.asked == [
        "GET /jobs/j1/results?partial=true",
        "GET /jobs/j1/results?pages=3-7",
        "GET /jobs/j1/results?format=nodes&pages=3",
    ]


def test_exports_can_be_asked_for_in_a_style(play: Play, tmp_path: Path) -> None:
    call, world = play(httpx.Response(200, text="# A"))
    call("download_results", "j1", tmp_path / "a.md", "markdown", images="referenced", page_break="----")
    assert world.asked == ["GET /jobs/j1/results?format=markdown&images=referenced&page_break=----"]


def test_pages_and_pictures_are_the_bytes_of_files(play: Play) -> None:
    call, world = play(*(httpx.Response(200, content=data) for data in (b"one", b"two", b"three")))
    assert call("page_picture", "j1", 0, 3) == b"one"
    assert call("page_picture", "j1", 1, 2, scale=2, box=(10, 20.5, 100, 200), format="webp") == b"two"
    assert call("artifact", "j1", 0, "picture-1.png") == b"three"
    assert world.asked == [
        "GET /jobs/j1/files/0/pages/3.png?scale=1",
        "GET /jobs/j1/files/1/pages/2.webp?scale=2&box=10.00%2C20.50%2C100.00%2C200.00",
        "GET /jobs/j1/files/0/artifacts/picture-1.png",
    ]


def test_a_name_of_a_picture_cannot_leave_its_place_in_the_path(play: Play) -> None:
    call, world = play(problem(404, "not_found"))
    with pytest.raises(client.NotFound):
        call("artifact", "j1", 0, "../../secret")
    assert world.asked == ["GET /jobs/j1/files/0/artifacts/..%2F..%2Fsecret"]


def test_a_box_has_four_sides(play: Play) -> None:
    call, world = play()
    with pytest.raises(ValueError, match="x0, y0, x1, y1"):
        call("page_picture", "j1", 0, 1, box=(1, 2, 3))
    assert world.asked == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "page_not_found", client.NotFound),
        (404, "no_page_picture", client.ExportUnavailable),
        (404, "file_encrypted", client.ExportUnavailable),
        (410, "input_gone", client.ExportUnavailable),
        (409, "pictures_not_kept", client.ExportUnavailable),
        (422, "box_outside_page", client.InvalidRequest),
        (422, "picture_too_large", client.InvalidRequest),
    ],
)
def test_pictures_that_cannot_be_had_have_their_error(
    play: Play, status: int, code: str, error: type[Exception]
) -> None:
    call, _ = play(problem(status, code))
    with pytest.raises(error) as refused:
        call("page_picture", "j1", 0, 1)
    assert type(refused.value) is error


def test_download_appears_under_its_name_only_when_complete(play: Play, tmp_path: Path) -> None:
    target = tmp_path / "out.md"
    call, world = play(httpx.Response(503, text="busy"), httpx.Response(200, text="# A\n"))
    assert call("download_results", "j1", target, format="markdown", file=2) == target
    assert target.read_text() == "# A\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.md"]
    assert world.asked[-1] == "GET /jobs/j1/results?format=markdown&file=2"


def test_download_that_fails_leaves_what_was_there(play: Play, tmp_path: Path) -> None:
    target = tmp_path / "out.md"
    target.write_text("of yesterday")
    call, _ = play(problem(409, "result_not_ready"))
    with pytest.raises(client.ResultNotReady, match="the detail"):
        call("download_results", "j1", target, "markdown")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.md", "of yesterday")]


def chunk_lines(*numbers: int) -> bytes:
    """A chunk for each number. Its text has what splits lines elsewhere, but not in JSON lines."""
    return b"".join(
        json.dumps({"index": n, "text": "a\u2028\x85b"}, ensure_ascii=False).encode() + b"\n" for n in numbers
    )


def test_chunks_are_the_objects_of_the_lines(play: Play) -> None:
    call, world = play(httpx.Response(200, content=chunk_lines(0, 1)))
    assert [chunk["index"] for chunk in call("chunks", "j1")] == [0, 1]
    assert world.asked == ["GET /jobs/j1/results?format=chunks.jsonl"]


def test_options_of_chunks_are_sent(play: Play) -> None:
    call, world = play(httpx.Response(200, content=b""))
    given = {"chunker": "hybrid", "max_tokens": 64, "tokenizer": "a/b", "merge_peers": False, "tables": "triplets"}
    assert call("chunks", "j1", **given, file=1, pages="3-7") == []
    assert dict(world.requests[0].url.params) == {
        "format": "chunks.jsonl", "chunker": "hybrid", "max_tokens": "64", "tokenizer": "a/b", "merge_peers": "false",
        "tables": "triplets", "file": "1", "pages": "3-7",
    }  # fmt: skip


def test_chunks_that_break_off_go_on_after_the_last_one_read(play: Play) -> None:
    cut = Broken(chunk_lines(0, 1) + chunk_lines(2)[:9])
    call, world = play(cut, httpx.Response(503), httpx.Response(200, content=chunk_lines(0, 1, 2, 3)))
    assert [chunk["index"] for chunk in call("chunks", "j1")] == [0, 1, 2, 3]
    assert len(world.requests) == 3


def test_chunks_that_break_off_without_a_new_one_are_given_up(play: Play) -> None:
    call, _ = play(Broken(chunk_lines(0)), Broken(chunk_lines(0)))
    with pytest.raises(client.ConnectionFailed, match="broke off after 1 lines"):
        call("chunks", "j1")


@pytest.mark.parametrize("line", [b"<html>\n", b"[1]\n"])
def test_something_other_than_chunks_is_named(play: Play, line: bytes) -> None:
    call, _ = play(httpx.Response(200, content=line))
    with pytest.raises(client.UnexpectedAnswer, match="did not answer with"):
        call("chunks", "j1")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "result_not_ready", client.ResultNotReady),
        (409, "export_unavailable", client.ExportUnavailable),
        (410, "job_expired", client.JobExpired),
        (422, "unknown_tokenizer", client.InvalidRequest),
    ],
)
def test_refused_chunks_have_their_error(play: Play, status: int, code: str, error: type[Exception]) -> None:
    call, _ = play(problem(status, code))
    with pytest.raises(error, match="the detail"):
        call("chunks", "j1")


def test_chunks_can_be_downloaded_too(play: Play, tmp_path: Path) -> None:
    call, world = play(httpx.Response(200, text="{}"))
    call("download_results", "j1", tmp_path / "c.json", "chunks", chunks=client.ChunkOptions(max_tokens=64))
    assert world.asked == ["GET /jobs/j1/results?format=chunks&max_tokens=64"]


@pytest.mark.parametrize("ordered", [True, False])
def test_parse_many_yields_failures_as_values(play: Play, document: Path, ordered: bool) -> None:
    bad = {**FILE, "success": False, "error": "not a PDF", "error_code": "invalid_file"}
    failed = {**RESULTS, "results": {**BATCH, "results": [bad]}}
    call, _ = play(
        *(Answer(SUBMITTED, 202), RESULTS),
        *(Answer(SUBMITTED, 202), failed),
        *(Answer(SUBMITTED, 202), NO_RESULTS, FAILED),
        problem(413, "file_too_large"),
    )
    paths = [document, document, document, document, "nowhere.pdf"]
    results = call("parse_many", paths, max_in_flight=1, ordered=ordered)
    assert [type(result.error) for result in results] == [
        type(None),
        client.FileFailed,
        client.JobFailed,
        client.FileTooLarge,
        client.MissingFile,
    ]
    assert [result.job_id for result in results] == ["j1", "j1", "j1", None, None]
    assert results[0].ok
    assert results[0].result.nodes == [{"text": "A"}]
    assert str(results[1].error) == "not a PDF"


def test_parse_many_takes_a_code_of_tomorrow_for_the_failure_that_it_is(play: Play, document: Path) -> None:
    bad = {**FILE, "success": False, "error": "too new", "error_code": "a_code_of_tomorrow"}
    call, _ = play(Answer(SUBMITTED, 202), {**RESULTS, "results": {**BATCH, "results": [bad]}})
    [result] = call("parse_many", [document])
    assert (type(result.error), result.error.code) == (client.FileFailed, "a_code_of_tomorrow")


def test_answer_that_cannot_be_decoded_is_an_error_of_the_client(play: Play) -> None:
    call, world = play(httpx.DecodingError("incorrect header check"))
    with pytest.raises(client.UnexpectedAnswer, match="cannot be decoded"):
        call("health")
    assert world.slept == []


def test_parse_many_refuses_a_window_of_none(play: Play) -> None:
    call, _ = play()
    with pytest.raises(ValueError, match="max_in_flight"):
        call("parse_many", [], max_in_flight=0)


# --- only the async client ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "size"), [("parse_batch", "batch_size"), ("parse_parallel", "max_concurrent")])
def test_async_only_calls_return_every_files_result_in_order(tmp_path: Path, method: str, size: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        names = [filename for _, filename, _ in _parts(request.content, request.headers["content-type"])]
        return httpx.Response(200, json={**BATCH, "results": [{**FILE, "filename": name} for name in names]})

    world = World([])
    world.handle = handle  # type: ignore[method-assign]
    paths = [tmp_path / f"{n}.md" for n in range(7)]
    for path in paths:
        path.write_text("x")
    results = _async_call(world, {})(method, paths, **{size: 3})
    assert [result["filename"] for result in results] == [path.name for path in paths]


@pytest.mark.parametrize("method", ["parse_batch", "parse_parallel"])
def test_async_only_calls_find_a_missing_path_before_anything_is_sent(document: Path, method: str) -> None:
    world = World([])
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pdf"):
        _async_call(world, {})(method, [document, "nowhere.pdf"], 1)
    assert world.requests == []


@pytest.mark.parametrize(("method", "size"), [("parse_batch", "batch_size"), ("parse_parallel", "max_concurrent")])
@pytest.mark.parametrize("number", [0, -1])
def test_async_only_calls_refuse_to_do_nothing(document: Path, method: str, size: str, number: int) -> None:
    with pytest.raises(ValueError, match=f"{size} must be at least 1"):
        _async_call(World([]), {})(method, [document], number)


def multipart(world: World, nth: int = -1) -> list[tuple[str, str | None, bytes]]:
    """(field, file name, content) of each part of the nth request."""
    return _parts(world.bodies[nth], world.requests[nth].headers["content-type"])


def _parts(body: bytes, content_type: str) -> list[tuple[str, str | None, bytes]]:
    boundary = content_type.partition("boundary=")[2].encode()
    parts = []
    for raw in body.split(b"--" + boundary)[1:-1]:
        head, _, content = raw.partition(b"\r\n\r\n")
        header = head.decode().partition("form-data; ")[2].splitlines()[0]
        names = dict(item.split("=", 1) for item in header.split("; "))
        filename = names.get("filename")
        parts.append((names["name"].strip('"'), filename and filename.strip('"'), content.removesuffix(b"\r\n")))
    return parts

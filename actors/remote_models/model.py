"""Asks one model endpoint: at most so many requests at once, repeated while a failure may pass."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from actors.egress.http import USER_AGENT, retry_after_s
from actors.endpoints import ModelEndpoint
from actors.errors import ModelUnavailable
from actors.questions import Answer, Questions
from actors.remote_models.breaker import Breaker
from actors.remote_models.cancelled_jobs import CancelledJobs
from actors.remote_models.chat import read_answer, refusal, request_body
from actors.scheduling.fair_semaphore import FairSemaphore
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import MODEL_REQUESTS, MODEL_SECONDS

log = get_logger()

#: Seconds that never go back.
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

#: Before each further try. A model server that starts again is away for longer; then the file may be sent again.
PAUSES_S = (0.5, 2.0, 5.0, 10.0)

#: An endpoint that asks for a longer pause is down.
LONGEST_PAUSE_S = 60.0

CONNECT_S = 10.0

#: The longest body of a response. A page has some kilobytes.
MAX_ANSWER_BYTES = 8 << 20

#: Answers that every request would get: somebody has to mend the endpoint or its settings.
_MISCONFIGURED: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "refuses its key",
    HTTPStatus.FORBIDDEN: "refuses its key",
    HTTPStatus.NOT_FOUND: "does not know the URL or the model",
    HTTPStatus.METHOD_NOT_ALLOWED: "takes no chat completions at its URL",
}
_MAY_PASS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class _MayPass(Exception):
    """A failure that may pass, with its reason."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: httpx.Headers
    body: bytes


class RemoteModel:
    """One endpoint. Everything in the cluster that asks it does so here, so its limit holds for all of them.

    The turns are fair between jobs. `key` is in no message: not even when the endpoint repeats it.
    """

    def __init__(
        self,
        name: str,
        endpoint: ModelEndpoint,
        key: str,
        client: httpx.AsyncClient,
        cancelled: CancelledJobs,
        *,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._key = key
        self._client = client
        self._cancelled = cancelled
        self._clock = clock
        self._sleep = sleep
        self._slots = FairSemaphore(endpoint.concurrency)
        self._breaker = Breaker(endpoint.concurrency, clock)
        self._not_before = 0.0

    async def ask(self, job_id: str, questions: Questions, number: int) -> Answer:
        """The answer about one picture, or why there is none. Raises ModelUnavailable when the endpoint is down."""
        since, reason = float("inf"), ""
        for pause in (*PAUSES_S, None):
            try:
                with self._cancelled.noted(job_id):
                    return await self._try(job_id, questions, number)
            except _MayPass as failure:
                since, reason = min(since, self._clock()), str(failure)
                if self._breaker.failed():
                    break
                log.info("model_request_repeated", endpoint=self._name, job=job_id, reason=reason)
            if pause is not None:
                await self._sleep(pause * random.uniform(0.5, 1.0))
        if self._breaker.gave_up(since):
            raise self._down(reason)
        return Answer(failure=f"the model endpoint {reason}")

    async def _try(self, job_id: str, questions: Questions, number: int) -> Answer:
        async with self._turn(job_id), self._breaker.turn():
            if self._breaker.rests:
                raise self._down("has not answered for a while")
            sent_at = self._clock()
            try:
                async with asyncio.timeout(self._endpoint.timeout_s):
                    reply = await self._send(request_body(self._endpoint.model, questions, number))
            except TimeoutError:
                return self._silent()
            except (httpx.TransportError, httpx.DecodingError) as error:
                MODEL_REQUESTS.record(outcome="failed")
                raise _MayPass(_spoken(error)) from error
            MODEL_SECONDS.record(self._clock() - sent_at)
            return self._judge(reply, questions)

    @asynccontextmanager
    async def _turn(self, job_id: str) -> AsyncIterator[None]:
        """Hold one of the endpoint's places, at a time when this job may send a request."""
        while True:
            await self._sleep(max(self._cancelled.rest_s(job_id), self._not_before - self._clock(), 0.0))
            async with self._slots.slot(job_id):
                if not self._cancelled.rest_s(job_id):
                    yield
                    return

    async def _send(self, body: bytes) -> _Reply:
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        async with self._client.stream("POST", self._endpoint.url, content=body, headers=headers) as response:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    break
            return _Reply(response.status_code, response.headers, bytes(received))

    def _judge(self, reply: _Reply, questions: Questions) -> Answer:
        """The answer in a reply. Raises _MayPass and ModelUnavailable."""
        if reply.status in _MAY_PASS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            MODEL_REQUESTS.record(outcome="failed")
            self._hold_back(reply)
            raise _MayPass(f"answered {reply.status}{self._said(reply)}")
        if reply.status in _MISCONFIGURED or HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            self._breaker.trip()
            raise self._down(f"{_MISCONFIGURED.get(reply.status, 'redirects')} (HTTP {reply.status})")
        self._breaker.answered()
        if reply.status >= HTTPStatus.BAD_REQUEST:
            MODEL_REQUESTS.record(outcome="refused")
            return Answer(failure=f"the model endpoint answered {reply.status}{self._said(reply)}")
        MODEL_REQUESTS.record(outcome="answered")
        if len(reply.body) > MAX_ANSWER_BYTES:
            return Answer(failure=f"the model's answer has more than {MAX_ANSWER_BYTES >> 20} MiB")
        return read_answer(reply.body, questions.form)

    def _hold_back(self, reply: _Reply) -> None:
        """Wait with all further requests as long as the endpoint asks for."""
        headers = {name.lower(): value for name, value in reply.headers.raw}
        pause = retry_after_s(reply.status, headers, time.time())
        if pause > LONGEST_PAUSE_S:
            self._breaker.trip()
            raise self._down(f"answered {reply.status}, and asks for a pause of {pause:.0f} s")
        self._not_before = max(self._not_before, self._clock() + pause)

    def _silent(self) -> Answer:
        MODEL_REQUESTS.record(outcome="silent")
        reason = f"did not answer within {self._endpoint.timeout_s:g} s"
        if self._breaker.stayed_silent():
            raise self._down(reason)
        return Answer(failure=f"the model endpoint {reason}")

    def _said(self, reply: _Reply) -> str:
        said = refusal(reply.body)
        if self._key:
            said = said.replace(self._key, "***")
        return f": {said}" if said else ""

    def _down(self, reason: str) -> ModelUnavailable:
        MODEL_REQUESTS.record(outcome="unavailable")
        log.warning("model_unavailable", endpoint=self._name, reason=reason)
        return ModelUnavailable(f"The model endpoint '{self._name}' {reason}")


def _spoken(error: httpx.HTTPError) -> str:
    """What went wrong, without the address: that is the operator's."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return "cannot be reached"
    return "broke off its answer"

"""A request with retries, and the steps that flows consist of.

A flow is a generator without I/O: it yields a `Step`, and its driver performs it. The driver sends the response of a
`Send` back into the flow, or throws httpx's transport error into it; a `Sleep` has no answer.
"""

from __future__ import annotations

import email.utils
import itertools
import logging
import math
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import httpx

from client.errors import (
    ClientError,
    ConnectionFailed,
    IdempotencyConflict,
    RequestTimeout,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    error_from,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_S = 10.0
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request. With a `sink`, a successful response's body is written there instead of kept in memory.

    With `silence`, a successful response is returned unread, so that its body can be streamed. The connection counts
    as dead when no byte arrives for `silence` seconds.
    """

    request: httpx.Request
    sink: BinaryIO | None = None
    silence: float | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait this many seconds."""

    seconds: float


Step = Send | Sleep
Flow = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When to give up.

    `timeout`: seconds from the first try to the answer. `retry_for`: seconds of continuous failures after which the
    server counts as gone. A server that asks to come back later does not count as failing; only `timeout` limits that.
    """

    timeout: float | None
    retry_for: float
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random  # in [0, 1)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A failed try. `retry_after`: the least seconds that the server asks to wait."""

    failure: ClientError
    retry_after: float = 0.0

    @property
    def worth_a_retry(self) -> bool:
        return isinstance(self.failure, (ConnectionFailed, TooManyRequests, Unavailable, IdempotencyConflict))


def exchange(
    request: httpx.Request,
    patience: Patience,
    *,
    deadline: float,
    sink: BinaryIO | None = None,
    silence: float | None = None,
) -> Flow[httpx.Response]:
    """Send `request` until it succeeds; returns the successful response. For `sink` and `silence` see `Send`.

    Raises the typed error of the last try when a retry cannot help or failures lasted too long, and `RequestTimeout`
    when `deadline` (on the patience's clock) comes first.
    """
    gives_up = math.inf
    first: ClientError | None = None
    for attempt in itertools.count():
        _limit(request, min(deadline - patience.clock(), silence or math.inf))
        outcome = yield from _attempt(Send(request, sink, silence), first)
        if isinstance(outcome, httpx.Response):
            return outcome
        failure = outcome.failure
        first = first or failure
        if not outcome.worth_a_retry:
            raise failure
        now = patience.clock()
        gives_up = math.inf if isinstance(failure, TooManyRequests) else min(gives_up, now + patience.retry_for)
        again = now + _pause(outcome, attempt, patience)
        if again > gives_up:
            raise failure
        if again > deadline:
            raise RequestTimeout(f"the request did not succeed in time; its last error: {failure}") from failure
        log.info("%s; trying again in %.1f s", failure, again - now, extra={"action": "retry"})
        yield Sleep(again - now)
    raise AssertionError("a count has no end")


def _attempt(step: Send, first: ClientError | None) -> Flow[httpx.Response | _Trouble]:
    """One try. The `first` failure becomes the cause of a refusal: that try may have succeeded with a lost response."""
    try:
        response: httpx.Response = yield step
    except httpx.RequestError as error:
        return _Trouble(_from_transport(error, step))
    if response.is_success:
        return response
    failure = error_from(response)
    failure.__cause__ = first
    return _Trouble(failure, _retry_after(response))


def _limit(request: httpx.Request, seconds: float) -> None:
    """Limit each wait for bytes to the time left until the deadline."""
    left = None if seconds == math.inf else max(seconds, 0.001)
    connect = CONNECT_S if left is None else min(CONNECT_S, left)
    request.extensions["timeout"] = httpx.Timeout(left, connect=connect).as_dict()


def _from_transport(error: httpx.RequestError, step: Send) -> ClientError:
    url = step.request.url
    match error:
        case httpx.ReadTimeout() | httpx.WriteTimeout() if step.silence is None:
            # Here the timeout was the whole time left until the deadline, so there is none left for a retry.
            failure: ClientError = RequestTimeout(f"{url} did not answer in the time allowed")
        case httpx.UnsupportedProtocol():
            failure = UnexpectedAnswer(f"{url} is not an http or https address")
        case httpx.DecodingError():
            failure = UnexpectedAnswer(f"the answer of {url} cannot be decoded: {error}")
        case httpx.LocalProtocolError():
            failure = UnexpectedAnswer(f"the request to {url} could not be formed: {error}")
        case _:
            failure = ConnectionFailed(f"cannot reach {url}: {str(error) or type(error).__name__}")
    failure.__cause__ = error
    return failure


def _pause(trouble: _Trouble, attempt: int, patience: Patience) -> float:
    """Seconds until the next try: exponential backoff with full jitter, but at least what the server asks for."""
    span: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(attempt, 10))
    return max(span * patience.jitter(), trouble.retry_after)


def _retry_after(response: httpx.Response) -> float:
    """`Retry-After` in seconds, from a number or a date; 0 when it is missing or invalid."""
    value: str = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return at.timestamp() - time.time()

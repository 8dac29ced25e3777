"""Wait for something that no event announces. Every wait has an end: then the test fails and shows the last answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

import pytest

T = TypeVar("T")

#: Generous: a loaded machine is slow, and a test that passes never waits this long.
WITHIN_S = 30.0
EVERY_S = 0.02


def eventually(
    condition: Callable[[], T], *, within_s: float = WITHIN_S, every_s: float = EVERY_S, what: str = "the condition"
) -> T:
    """Call `condition` until its answer is true, and return that answer. Fail the test after `within_s` seconds."""
    __tracebackhide__ = True  # the failure points at the line of the test
    give_up = time.monotonic() + within_s
    while not (answer := condition()):
        _fail_after(give_up, within_s, what, answer)
        time.sleep(every_s)
    return answer


async def eventually_async(
    condition: Callable[[], Awaitable[T] | T],
    *,
    within_s: float = WITHIN_S,
    every_s: float = EVERY_S,
    what: str = "the condition",
) -> T:
    """`eventually` for a test that runs on an event loop. `condition` may be a coroutine function or a plain one."""
    __tracebackhide__ = True
    give_up = time.monotonic() + within_s
    while not (answer := await _ask(condition)):
        _fail_after(give_up, within_s, what, answer)
        await asyncio.sleep(every_s)
    return answer


async def _ask(condition: Callable[[], Awaitable[T] | T]) -> T:
    answer = condition()
    return await answer if isawaitable(answer) else answer


def _fail_after(give_up: float, within_s: float, what: str, answer: object) -> None:
    __tracebackhide__ = True
    if time.monotonic() >= give_up:
        pytest.fail(f"{what} did not come true within {within_s:g} s; the last answer was {answer!r}")

"""The code that must exist in a sync and an async version: driving a flow, and running a window of work."""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import aclosing, closing
from typing import Any, TypeVar

import httpx
from httpx_sse import EventSource

from client._events import Watch
from client._lines import Lines
from client._retry import Flow, Send, Sleep
from client._waiting import JsonDict

A = TypeVar("A")
T = TypeVar("T")

#: Cached: reading the system's certificates takes longer than a request on the same machine.
tls = functools.cache(httpx.create_ssl_context)

#: The caller decides how many requests run at once, so the pool sets no limit.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=32)

#: Errors that a driver throws into a flow: a failed exchange, or a file that could not be read while it was sent.
FAILURES = (httpx.RequestError, OSError)


def drive(flow: Flow[T], http: httpx.Client, sleep: Callable[[float], object]) -> T:
    """Run a flow to its end. Blocks."""
    with closing(flow):
        try:
            step = next(flow)
            while True:
                if isinstance(step, Sleep):
                    sleep(step.seconds)
                    step = next(flow)
                    continue
                try:
                    response = send(step, http)
                except FAILURES as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result


async def drive_async(flow: Flow[T], http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]]) -> T:
    """Run a flow to its end on the running loop."""
    with closing(flow):
        try:
            step = next(flow)
            while True:
                if isinstance(step, Sleep):
                    await sleep(step.seconds)
                    step = next(flow)
                    continue
                try:
                    response = await send_async(step, http)
                except FAILURES as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result


def send(step: Send, http: httpx.Client) -> httpx.Response:
    """One exchange; a success goes to the step's sink, if it has one."""
    if step.silence is not None:
        return _unread(http.send(step.request, stream=True))
    if step.sink is None:
        return http.send(step.request)
    response = http.send(step.request, stream=True)
    with closing(response):
        if not response.is_success:
            response.read()
            return response
        step.sink.seek(0)
        step.sink.truncate()
        for block in response.iter_bytes():
            step.sink.write(block)
    return response


def _unread(response: httpx.Response) -> httpx.Response:
    """Leave a successful response unread. Read any other at once: its body holds the reason."""
    if not response.is_success:
        with closing(response):
            response.read()
    return response


async def send_async(step: Send, http: httpx.AsyncClient) -> httpx.Response:
    """One exchange; a success goes to the step's sink, if it has one."""
    if step.silence is not None:
        return await _unread_async(await http.send(step.request, stream=True))
    if step.sink is None:
        return await http.send(step.request)
    response = await http.send(step.request, stream=True)
    try:
        if not response.is_success:
            await response.aread()
            return response
        step.sink.seek(0)
        step.sink.truncate()
        async for block in response.aiter_bytes():
            await asyncio.to_thread(step.sink.write, block)
    finally:
        await response.aclose()
    return response


async def _unread_async(response: httpx.Response) -> httpx.Response:
    """The async form of `_unread`."""
    if not response.is_success:
        async with aclosing(response):
            await response.aread()
    return response


def follow(watch: Watch[T], http: httpx.Client, sleep: Callable[[float], object]) -> Iterator[T]:
    """Yield what is in the events as they arrive. Blocks."""
    while not watch.ended:
        response = drive(watch.attach(), http, sleep)
        try:
            for event in EventSource(response).iter_sse():
                yield watch.take(event)
        except httpx.RequestError as error:
            watch.broke_off(error)
        finally:
            response.close()


async def follow_async(
    watch: Watch[T], http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]]
) -> AsyncGenerator[T, None]:
    """Yield what is in the events as they arrive, on the running loop."""
    while not watch.ended:
        response = await drive_async(watch.attach(), http, sleep)
        try:
            async with aclosing(EventSource(response).aiter_sse()) as events:
                async for event in events:
                    yield watch.take(event)
        except httpx.RequestError as error:
            watch.broke_off(error)
        finally:
            await response.aclose()


def read_lines(lines: Lines, http: httpx.Client, sleep: Callable[[float], object]) -> Iterator[JsonDict]:
    """Yield each line as it arrives. Blocks."""
    while not lines.ended:
        response = drive(lines.attach(), http, sleep)
        try:
            for block in response.iter_bytes():
                yield from lines.take(block)
            lines.finish()
        except httpx.RequestError as error:
            lines.broke_off(error)
        finally:
            response.close()


async def read_lines_async(
    lines: Lines, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]]
) -> AsyncGenerator[JsonDict, None]:
    """Yield each line as it arrives, on the running loop."""
    while not lines.ended:
        response = await drive_async(lines.attach(), http, sleep)
        try:
            async for block in response.aiter_bytes():
                for line in lines.take(block):
                    yield line
            lines.finish()
        except httpx.RequestError as error:
            lines.broke_off(error)
        finally:
            await response.aclose()


def check_window(name: str, size: int) -> None:
    """Raises ValueError unless the window has room for at least one item."""
    if size < 1:
        raise ValueError(f"{name} must be at least 1")


def window(futures: Iterable[Future[T]], size: int, *, ordered: bool) -> Iterator[T]:
    """The results of `futures`. Each future starts when taken from the iterable; at most `size` are unfinished."""
    source = iter(futures)
    taken = deque(itertools.islice(source, size))
    while taken:
        future = taken[0] if ordered else wait(taken, return_when=FIRST_COMPLETED).done.pop()
        result = future.result()
        taken.remove(future)
        taken.extend(itertools.islice(source, 1))
        yield result


def in_threads(
    work: Callable[[A], T], items: Iterable[A], size: int, *, ordered: bool, stopped: threading.Event
) -> Iterator[T]:
    """Run `work` on each item in `size` threads and yield the results. Sets `stopped` when the iteration ends."""
    with ThreadPoolExecutor(size) as threads:
        try:
            yield from window((threads.submit(work, item) for item in items), size, ordered=ordered)
        finally:
            stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)


def until(stopped: threading.Event, sleep: Callable[[float], object] | None = None) -> Callable[[float], None]:
    """A sleep that ends early when `stopped` is set, and then raises `CancelledError`.

    A thread cannot be cancelled from outside, but every waiting flow sleeps between its requests. A `sleep` of your own
    does not end early.
    """

    def sleep_or_stop(seconds: float) -> None:
        (sleep or stopped.wait)(seconds)
        if stopped.is_set():
            raise CancelledError

    return sleep_or_stop


async def window_async(work: Iterable[Coroutine[Any, Any, T]], size: int, *, ordered: bool) -> AsyncGenerator[T, None]:
    """The results of `work`. Each coroutine starts when taken from the iterable; at most `size` are unfinished."""
    source = iter(work)
    taken = deque(asyncio.ensure_future(each) for each in itertools.islice(source, size))
    try:
        while taken:
            task = taken[0] if ordered else (await asyncio.wait(taken, return_when=asyncio.FIRST_COMPLETED))[0].pop()
            result = await task
            taken.remove(task)
            taken.extend(asyncio.ensure_future(each) for each in itertools.islice(source, 1))
            yield result
    finally:
        for task in taken:
            task.cancel()
        await asyncio.gather(*taken, return_exceptions=True)

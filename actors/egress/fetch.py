"""Fetches a file from a URL: only from addresses that the guard allows, within limits of size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from urllib.parse import unquote

import httpcore
import httpx

from actors.egress.bodies import Body, decoded
from actors.egress.guard import CONNECT_S, AddressGuard, AddressRefused, GuardedNetwork, port_of
from actors.egress.http import TLS, USER_AGENT, retry_after_s
from actors.errors import FileError
from actors.sources import Fetched, NewSink
from client.models import ErrorCode

MAX_REDIRECTS = 5
IDLE_S = 30.0  # a server that sends nothing for so long is given up
START_S = 60.0  # the time for a whole file: this, and what its largest size takes at SLOWEST
SLOWEST = 256 * 1024  # bytes per second
PAUSES_S = (0.5, 2.0, 5.0)  # before each further try
LONGEST_PAUSE_S = 60.0  # a server that asks for a longer one is given up

_REDIRECTS = (301, 302, 303, 307, 308)
_WHOLE = (HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION)
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_MAY_PASS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True)
class _Request:
    url: httpx.URL
    headers: Mapping[str, str] = field(repr=False)

    @property
    def host(self) -> str:
        return self.url.host

    def redirected(self, url: httpx.URL) -> _Request:
        """The next request. The headers of the client go to its own host only, and never from https to http."""
        upgraded = (self.url.scheme, port_of(self.url), url.scheme, port_of(url)) == ("http", 80, "https", 443)
        same = (url.scheme, url.host, port_of(url)) == (self.url.scheme, self.url.host, port_of(self.url))
        keeps = same or (upgraded and url.host == self.url.host)
        return _Request(url, self.headers if keeps else {})


class _TryAgain(Exception):
    """A failure that may pass. `after_s` is the pause that the server asks for."""

    def __init__(self, error: FileError, after_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.after_s = after_s


class Fetcher:
    """Fetches files of at most `max_bytes`, which also limits what a compressed file unpacks to."""

    def __init__(
        self,
        guard: AddressGuard,
        max_bytes: int = 100 << 20,
        *,
        network: httpcore.AsyncNetworkBackend | None = None,
        idle_s: float = IDLE_S,
        start_s: float = START_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._guard = guard
        self._network = GuardedNetwork(guard, network or httpcore.AnyIOBackend())
        self._max_bytes = max_bytes
        self._waits = {"connect": CONNECT_S, "read": idle_s, "write": idle_s, "pool": idle_s}
        self._whole_s = start_s + max_bytes / SLOWEST
        self._sleep = sleep

    async def fetch(self, url: str, headers: Mapping[str, str], new_sink: NewSink) -> Fetched:
        """Write the file to a sink. Raises FileError, whose message names the host and never the URL or a header."""
        request = _Request(self._checked(url), headers)
        try:
            async with asyncio.timeout(self._whole_s) as limit:
                return await self._with_retries(request, new_sink)
        except TimeoutError:
            if not limit.expired():
                raise
            raise _failed(f"{request.host} did not send the file within {self._whole_s:.0f} s") from None

    async def _with_retries(self, request: _Request, new_sink: NewSink) -> Fetched:
        for pause in PAUSES_S:
            try:
                return await self._follow(request, new_sink)
            except _TryAgain as failure:
                if failure.after_s > LONGEST_PAUSE_S:
                    raise failure.error from failure
                await self._sleep(max(pause, failure.after_s))
        try:
            return await self._follow(request, new_sink)
        except _TryAgain as failure:
            raise failure.error from failure

    async def _follow(self, request: _Request, new_sink: NewSink) -> Fetched:
        """Fetch once, over at most MAX_REDIRECTS redirects. Each one is checked as the URL was."""
        for _ in range(1 + MAX_REDIRECTS):
            async with self._answered(request) as response:
                target = _headers_of(response).get(b"location", b"") if response.status in _REDIRECTS else b""
                if not target:
                    _check_status(request.host, response)
                    return await self._receive(request, response, new_sink)
            request = request.redirected(self._target(request, target))
        raise _failed(f"There were more than {MAX_REDIRECTS} redirects; the last one by {request.host}")

    @asynccontextmanager
    async def _answered(self, request: _Request) -> AsyncIterator[httpcore.Response]:
        """The answer to a request. Raises FileError or _TryAgain, also while the body is read."""
        host = request.host
        try:
            async with (
                httpcore.AsyncConnectionPool(TLS, network_backend=self._network) as connections,
                connections.stream(
                    "GET",
                    httpcore.URL(
                        scheme=request.url.scheme,
                        host=request.url.raw_host,
                        port=port_of(request.url),
                        target=request.url.raw_path,
                    ),
                    headers=_headers(request),
                    extensions={"timeout": self._waits},
                ) as response,
            ):
                yield response
        except AddressRefused as error:
            raise _refused(error) from error
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise _TryAgain(_failed(f"Cannot connect to {host}")) from error
        except httpcore.TimeoutException as error:
            raise _TryAgain(_failed(f"{host} sent nothing for {self._waits['read']:g} s")) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _TryAgain(_failed(f"The connection to {host} was lost before the file was complete")) from error

    async def _receive(self, request: _Request, response: httpcore.Response, new_sink: NewSink) -> Fetched:
        headers = _headers_of(response)
        body = Body(request.host, self._max_bytes)
        body.check_announced(headers.get(b"content-length", b""))
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        async with new_sink() as sink:
            async for piece in decoded(body.counted(response.aiter_stream()), encoding, request.host):
                body.take(piece)
                await sink.write(piece)
        return Fetched(
            size=body.size,
            sha256=body.sha256,
            content_type=headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower(),
            suggested=_suggested(headers.get(b"content-disposition", b"")),
            last_part=last_part(request.url),
        )

    def _target(self, request: _Request, location: bytes) -> httpx.URL:
        try:
            return self._checked(str(request.url.join(_text(location))))
        except (httpx.InvalidURL, UnicodeError) as error:
            raise _failed(f"{request.host} redirects to something that is no URL") from error

    def _checked(self, url: str) -> httpx.URL:
        try:
            return self._guard.check(url)
        except AddressRefused as error:
            raise _refused(error) from error


def _text(header: bytes) -> str:
    """A header's value. Some servers send letters beyond ASCII as UTF-8, against the rules."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def last_part(url: httpx.URL) -> str:
    """The last part of a URL's path as text; "" for a path that ends with a slash."""
    return unquote(url.path.rpartition("/")[2])


def _headers(request: _Request) -> list[tuple[str, str]]:
    own = {"user-agent": USER_AGENT, "accept": "*/*"}
    given = {name.lower(): value for name, value in request.headers.items()}
    return [("Host", request.url.netloc.decode()), *({**own, **given, "accept-encoding": "identity"}).items()]


def _headers_of(response: httpcore.Response) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in response.headers}


def _check_status(host: str, response: httpcore.Response) -> None:
    """Raises FileError or _TryAgain unless the answer is the whole file."""
    status = response.status
    if status in _WHOLE:
        return
    answered = f"{host} answered {status}"
    if status in _DENIED:
        raise FileError(ErrorCode.SOURCE_DENIED, f"{answered}: the URL and its headers do not give access to the file")
    if status in _MISSING:
        raise FileError(ErrorCode.SOURCE_NOT_FOUND, f"{answered}: the file does not exist there")
    if status in _MAY_PASS or status >= 500:
        raise _TryAgain(_failed(answered), retry_after_s(status, _headers_of(response), time.time()))
    raise _failed(answered)


def _suggested(disposition: bytes) -> str:
    """The file name of a Content-Disposition header."""
    message = Message()
    message["Content-Disposition"] = disposition.decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")
    return message.get_filename("")


def _failed(message: str) -> FileError:
    return FileError(ErrorCode.SOURCE_FAILED, message)


def _refused(error: AddressRefused) -> FileError:
    return FileError(ErrorCode.SOURCE_REFUSED, f"The URL {error}")

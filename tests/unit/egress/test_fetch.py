"""A file from a URL is fetched whole, within limits, and only from where it may be."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote

import pytest

from actors.egress.fetch import MAX_REDIRECTS, PAUSES_S, Fetcher
from actors.egress.guard import AddressGuard, Hosts
from actors.errors import FileError
from actors.sources import Fetched
from client.models import ErrorCode
from tests.unit.egress.web import Answer, Web, answer, reset, serving

PDF = b"%PDF-1.7 and so on"
OK = answer("200 OK", body=PDF)
NO_HEADERS: Mapping[str, str] = {}
SECRET = {"Authorization": "Bearer sesame"}


class Store:
    """Keeps what was written, if it was all written."""

    def __init__(self) -> None:
        self.stored: bytes | None = None
        self.started = 0
        self.written = 0

    @asynccontextmanager
    async def new(self) -> AsyncIterator[Store]:
        self.started += 1
        self._chunks: list[bytes] = []
        yield self
        self.stored = b"".join(self._chunks)

    async def write(self, chunk: bytes) -> None:
        self.written += len(chunk)
        self._chunks.append(chunk)


class Pauses:
    """Notes the pauses between tries, and makes none."""

    def __init__(self) -> None:
        self.made: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.made.append(seconds)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serving() as web:
        yield web


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


#: Names that the tests' resolver knows. The rest are on the loopback, which the tests allow by `*.test` names only.
ADDRESSES = {"private.test": "10.0.0.1", "web.test": "127.0.0.1", "other.test": "127.0.0.1"}


async def resolve(host: str, port: int) -> Sequence[str]:
    return [ADDRESSES.get(host, host)]


@pytest.fixture
def fetch(web: Web, store: Store, pauses: Pauses) -> Any:
    """Fetches `path` from the web server, which answers to the names web.test and other.test."""

    async def fetch(
        path: str,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        host: str = "web.test",
        max_bytes: int = 1000,
        **how: Any,
    ) -> Fetched:
        guard = how.pop("guard", AddressGuard(Hosts.parse("web.test, other.test"), resolve))
        fetcher = Fetcher(guard, max_bytes, sleep=pauses, **how)
        return await fetcher.fetch(f"http://{host}:{web.port}{path}", headers, store.new)

    return fetch


async def failure(fetching: Any) -> tuple[ErrorCode, str]:
    with pytest.raises(FileError) as raised:
        await fetching
    return raised.value.file_code, raised.value.message


async def test_a_file_is_stored_and_described(web: Web, store: Store, fetch: Any) -> None:
    described = ("Content-Type: application/pdf; x=y", 'Content-Disposition: attachment; filename="c.pdf"')
    web.pages["/papers/a%20b.pdf"] = [answer("200 OK", *described, body=PDF)]
    fetched = await fetch("/papers/a%20b.pdf?token=1#page=2")
    assert store.stored == PDF
    assert fetched == Fetched(
        size=len(PDF),
        sha256=hashlib.sha256(PDF).hexdigest(),
        content_type="application/pdf",
        suggested="c.pdf",
        last_part="a b.pdf",
    )
    [(path, headers)] = web.requests
    assert path == "/papers/a%20b.pdf?token=1"
    assert (headers["host"], headers["accept-encoding"]) == (f"web.test:{web.port}", "identity")
    assert headers["user-agent"].startswith("docfleet/")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=UTF-8''na%C3%AFve.pdf", "naïve.pdf"),
        ("inline; filename=plain.pdf", "plain.pdf"),
        ("inline", ""),
    ],
)
async def test_the_servers_name_for_a_file_is_read_in_its_notations(
    web: Web, fetch: Any, disposition: str, name: str
) -> None:
    web.pages["/"] = [answer("200 OK", f"Content-Disposition: {disposition}", body=PDF)]
    assert (await fetch("/")).suggested == name


async def test_the_headers_of_a_source_are_sent_and_cannot_ask_for_another_encoding(web: Web, fetch: Any) -> None:
    web.pages["/a"] = [OK]
    await fetch("/a", SECRET | {"USER-AGENT": "mine", "Accept-Encoding": "br"})
    [(_, headers)] = web.requests
    assert (headers["authorization"], headers["user-agent"]) == ("Bearer sesame", "mine")
    assert headers["accept-encoding"] == "identity"


# -- redirects ------------------------------------------------------------------------------------------------------


async def test_a_redirect_is_followed_and_may_be_relative(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [answer("302 Found", "Location: b/c.pdf?x=1")]
    web.pages["/b/c.pdf"] = [OK]
    assert (await fetch("/a", SECRET)).last_part == "c.pdf"
    assert store.stored == PDF
    assert [headers.get("authorization") for _, headers in web.requests] == ["Bearer sesame"] * 2


@pytest.mark.parametrize("name", ["übung.pdf", "資料.pdf", "%C3%BCbung.pdf"])
async def test_a_redirect_may_have_letters_that_are_not_escaped(web: Web, fetch: Any, name: str) -> None:
    web.pages["/a"] = [answer("302 Found", f"Location: /{name}")]
    web.pages[f"/{quote(unquote(name))}"] = [OK]
    assert (await fetch("/a")).last_part == unquote(name)


async def test_headers_go_to_their_own_host_only_and_do_not_come_back(web: Web, fetch: Any) -> None:
    web.pages["/a"] = [answer("307 Temporary Redirect", f"Location: http://other.test:{web.port}/b")]
    web.pages["/b"] = [answer("308 Permanent Redirect", f"Location: http://web.test:{web.port}/c")]
    web.pages["/c"] = [OK]
    await fetch("/a", SECRET | {"Cookie": "sesame", "X-Token": "sesame"})
    assert ["sesame" in str(headers) for _, headers in web.requests] == [True, False, False]


@pytest.mark.parametrize(
    "target",
    ["http://private.test/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://2130706433/"],
)
async def test_a_redirect_to_a_private_address_is_refused(web: Web, store: Store, fetch: Any, target: str) -> None:
    web.pages["/a"] = [answer("301 Moved Permanently", f"Location: {target}")]
    code, message = await failure(fetch("/a"))
    assert code == ErrorCode.SOURCE_REFUSED
    assert "not a public address" in message
    assert (len(web.requests), store.started) == (1, 0)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://web.test/", "http://me:secret@web.test/", "http://[::1"]
)
async def test_a_redirect_to_something_else_than_a_web_page_is_refused(web: Web, fetch: Any, target: str) -> None:
    web.pages["/a"] = [answer("302 Found", f"Location: {target}")]
    code, message = await failure(fetch("/a"))
    assert code in (ErrorCode.SOURCE_REFUSED, ErrorCode.SOURCE_FAILED)
    assert "secret" not in message


async def test_a_name_that_changes_to_a_private_address_between_redirects_is_refused(web: Web, fetch: Any) -> None:
    answers = [["127.0.0.1"], ["192.168.0.1"]]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    web.pages["/a"] = [answer("302 Found", "Location: /b")]
    web.pages["/b"] = [OK]
    guard = AddressGuard(Hosts.parse("127.0.0.1"), rebinding)
    code, _ = await failure(fetch("/a", host="rebinding.test", guard=guard))
    assert (code, [path for path, _ in web.requests]) == (ErrorCode.SOURCE_REFUSED, ["/a"])


async def test_a_loop_of_redirects_ends(web: Web, fetch: Any) -> None:
    web.pages["/a"] = [answer("302 Found", "Location: /a")]
    code, message = await failure(fetch("/a"))
    assert code == ErrorCode.SOURCE_FAILED
    assert "redirects" in message
    assert len(web.requests) == 1 + MAX_REDIRECTS


# -- what the server answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", ErrorCode.SOURCE_DENIED),
        ("403 Forbidden", ErrorCode.SOURCE_DENIED),
        ("404 Not Found", ErrorCode.SOURCE_NOT_FOUND),
        ("410 Gone", ErrorCode.SOURCE_NOT_FOUND),
        ("204 No Content", ErrorCode.SOURCE_FAILED),
        ("206 Partial Content", ErrorCode.SOURCE_FAILED),
        ("302 Found", ErrorCode.SOURCE_FAILED),  # without a Location
        ("418 I'm a teapot", ErrorCode.SOURCE_FAILED),
    ],
)
async def test_an_answer_that_is_no_file_is_the_reason_at_once(
    web: Web, store: Store, pauses: Pauses, fetch: Any, status: str, code: ErrorCode
) -> None:
    web.pages["/a"] = [answer(status)]
    assert await failure(fetch("/a?token=sesame", SECRET)) == (code, ANY_WITH(f"web.test answered {status[:3]}"))
    assert (pauses.made, store.started) == ([], 0)


class ANY_WITH:  # noqa: N801 - reads as a value
    """Equals every text that begins so and holds no secret."""

    def __init__(self, start: str) -> None:
        self.start = start

    def __eq__(self, other: object) -> bool:
        return str(other).startswith(self.start) and "sesame" not in str(other)

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "trouble", [answer("500 Oops"), answer("503 Busy"), answer("429 Slow"), reset], ids=["500", "503", "429", "reset"]
)
async def test_a_failure_that_may_pass_is_tried_again(
    web: Web, store: Store, pauses: Pauses, fetch: Any, trouble: Answer
) -> None:
    web.pages["/a"] = [trouble, trouble, OK]
    await fetch("/a")
    assert (store.stored, pauses.made) == (PDF, list(PAUSES_S[:2]))


@pytest.mark.parametrize("trouble", [answer("502 Bad Gateway"), reset], ids=["502", "reset"])
async def test_a_failure_that_does_not_pass_is_given_up(web: Web, pauses: Pauses, fetch: Any, trouble: Answer) -> None:
    web.pages["/a"] = [trouble]
    code, message = await failure(fetch("/a"))
    assert code == ErrorCode.SOURCE_FAILED
    assert "web.test" in message
    assert (pauses.made, len(web.requests)) == (list(PAUSES_S), 1 + len(PAUSES_S))


async def test_a_server_that_nothing_listens_for_is_given_up(pauses: Pauses, store: Store) -> None:
    async with serving() as web:
        port = web.port
    fetcher = Fetcher(AddressGuard(Hosts.parse("127.0.0.1")), 100, sleep=pauses)
    code, message = await failure(fetcher.fetch(f"http://127.0.0.1:{port}/", {}, store.new))
    assert (code, message) == (ErrorCode.SOURCE_FAILED, "Cannot connect to 127.0.0.1")
    assert pauses.made == list(PAUSES_S)


async def test_a_server_is_left_alone_for_as_long_as_it_asks(web: Web, pauses: Pauses, fetch: Any) -> None:
    web.pages["/a"] = [answer("429 Slow", "Retry-After: 7"), answer("503 Busy", "Retry-After: 1"), OK]
    await fetch("/a")
    assert pauses.made == [7, 2.0]


async def test_a_server_that_asks_for_an_hour_is_given_up(web: Web, pauses: Pauses, fetch: Any) -> None:
    web.pages["/a"] = [answer("429 Slow", "Retry-After: 3600")]
    code, message = await failure(fetch("/a"))
    assert (code, message, pauses.made) == (ErrorCode.SOURCE_FAILED, "web.test answered 429", [])


# -- sizes ----------------------------------------------------------------------------------------------------------


async def test_a_file_as_large_as_the_limit_is_fetched(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [answer("200 OK", body=bytes(1000))]
    assert (await fetch("/a")).size == 1000


async def test_a_file_that_is_announced_too_large_is_not_received(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [answer("200 OK", "Content-Length: 1001")]
    code, message = await failure(fetch("/a"))
    assert code == ErrorCode.FILE_TOO_LARGE
    assert message == "File too large: the file at web.test is larger than 1000 bytes"
    assert store.started == 0


def endless(*headers: str, start: bytes = b"", piece: bytes, pause_s: float = 0.0) -> Answer:
    """An answer whose body begins with `start` and never ends."""

    async def write(writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""])
        writer.write(head.encode())
        chunk = start + piece
        while True:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            await asyncio.sleep(pause_s)
            chunk = piece

    return write


async def test_an_endless_body_is_cut_off_and_nothing_of_it_is_kept(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [endless(piece=bytes(100))]
    code, _ = await failure(fetch("/a"))
    assert code == ErrorCode.FILE_TOO_LARGE
    assert store.stored is None
    assert store.written <= 1000


async def test_a_body_that_is_shorter_than_announced_is_tried_again(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [answer("200 OK", "Content-Length: 900", body=b"half"), OK]
    await fetch("/a")
    assert (store.stored, store.started) == (PDF, 2)


# -- compressed bodies ----------------------------------------------------------------------------------------------


async def test_a_server_that_only_has_a_gzipped_file_is_understood(web: Web, store: Store, fetch: Any) -> None:
    text = b"word " * 180
    web.pages["/a"] = [answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(text))]
    fetched = await fetch("/a")
    assert (store.stored, fetched.size, fetched.sha256) == (text, 900, hashlib.sha256(text).hexdigest())


async def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit(web: Web, store: Store, fetch: Any) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    web.pages["/a"] = [answer("200 OK", "Content-Encoding: gzip", body=bomb)]
    code, _ = await failure(fetch("/a", max_bytes=100_000))
    assert code == ErrorCode.FILE_TOO_LARGE
    assert store.written <= 100_000


async def test_gzip_data_that_unpacks_to_nothing_for_ever_is_cut_off(web: Web, store: Store, fetch: Any) -> None:
    header = zlib.compressobj(wbits=31).flush()[:10]
    web.pages["/a"] = [endless("Content-Encoding: gzip", start=header, piece=b"\x00\x00\x00\xff\xff")]  # empty blocks
    code, _ = await failure(fetch("/a"))
    assert (code, store.written) == (ErrorCode.FILE_TOO_LARGE, 0)


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(PDF)[:-9], gzip.compress(PDF) + b"more"], ids=["no gzip", "cut off", "and more"]
)
async def test_damaged_gzip_data_is_the_reason(web: Web, store: Store, fetch: Any, body: bytes) -> None:
    web.pages["/a"] = [answer("200 OK", "Content-Encoding: gzip", body=body)]
    assert await failure(fetch("/a")) == (ErrorCode.SOURCE_FAILED, "web.test sent damaged gzip data")
    assert store.stored is None


async def test_another_compression_is_refused(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [answer("200 OK", "Content-Encoding: br", body=PDF)]
    code, message = await failure(fetch("/a"))
    assert code == ErrorCode.SOURCE_FAILED
    assert "Content-Encoding" in message


# -- times ----------------------------------------------------------------------------------------------------------


async def test_a_server_that_falls_silent_is_given_up(web: Web, fetch: Any) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(60)

    web.pages["/a"] = [silent]
    code, message = await failure(fetch("/a", idle_s=0.5))
    assert (code, message) == (ErrorCode.SOURCE_FAILED, "web.test sent nothing for 0.5 s")


async def test_a_server_that_sends_byte_by_byte_is_given_up_in_the_end(web: Web, store: Store, fetch: Any) -> None:
    web.pages["/a"] = [endless(piece=b"x", pause_s=0.01)]
    code, message = await failure(fetch("/a", start_s=0.2))
    assert code == ErrorCode.SOURCE_FAILED
    assert "did not send the file within" in message
    assert store.stored is None

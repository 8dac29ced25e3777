"""Where the server may be told to call, and that it calls just there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import httpcore
import pytest

from actors.egress.guard import AddressGuard, AddressRefused, GuardedNetwork, Hosts, look_up

PUBLIC = "93.184.216.34"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Names:
    """A resolver that gives its answers one after the other, and the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Stream(httpcore.AsyncMockStream):
    server_name: str | None = None

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None) -> Stream:  # noqa: ASYNC109
        self.server_name = server_hostname
        return self


class Net(httpcore.AsyncNetworkBackend):
    """Notes where connections go; the addresses in `dead` do not answer."""

    def __init__(self, *dead: str) -> None:
        self.dead = dead
        self.connected: list[tuple[str, int]] = []
        self.stream = Stream([ANSWER])

    async def connect_tcp(self, host, port, timeout=None, *_) -> Stream:  # noqa: ASYNC109
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError
        return self.stream


def guard(allow: str = "", resolve: Names | None = None) -> AddressGuard:
    return AddressGuard(Hosts.parse(allow), resolve or Names([PUBLIC]))


# -- what a URL says by itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://example.com:8443/hook?x=1",
        f"http://{PUBLIC}/",
        "http://[2606:4700::1111]/",
        "http://localhost/",  # a name: it is looked up when something is sent
    ],
)
def test_urls_that_may_lead_to_public_addresses_pass(url: str) -> None:
    assert str(guard().check(url)) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "http or https"),
        ("file:///etc/passwd", "http or https"),
        ("//example.com/", "http or https"),
        ("http://", "http or https"),
        ("http://[::1", "http or https"),
        ("http://xn--a", "http or https"),
        ("http://xn--", "http or https"),
        ("http://xn--a.example/", "http or https"),
        ("http://a\u200d.example/", "http or https"),
        (f"http://{'ü' * 64}.example/", "http or https"),
        ("http://example.com:0/", "http or https"),
        ("http://example.com:65536/", "http or https"),
        ("http://example.com:x/", "http or https"),
        ("http://example.com/\nHost: internal", "http or https"),
        ("http://0177.0.0.1/", "http or https"),  # octal
        ("http://me@example.com/", "user name or password"),
        ("http://me:secret@example.com/", "user name or password"),
    ],
)
def test_urls_of_another_form_are_refused(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        guard().check(url)


NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # shared by a provider's customers
    "100.100.100.200",  # metadata of a cloud
    "169.254.169.254",  # metadata of most clouds
    "168.63.129.16",  # the machine's agent in another
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_addresses_that_are_not_public_are_refused_as_literals_and_behind_names(address: str) -> None:
    with pytest.raises(AddressRefused, match="not a public address"):
        guard().check(f"http://[{address}]/" if ":" in address else f"http://{address}/")
    with pytest.raises(AddressRefused, match="not a public address"):
        await guard(resolve=Names([address])).addresses("example.com", 80)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "0x7f000001", "2130706433"])
def test_other_notations_of_an_address_are_seen_through(host: str) -> None:
    with pytest.raises(AddressRefused, match=r"leads to 127\.0\.0\.1"):
        guard().check(f"http://{host}/")


@pytest.mark.parametrize("address", [PUBLIC, f"::ffff:{PUBLIC}", f"64:ff9b::{PUBLIC}", "2606:4700::1111"])
async def test_public_addresses_pass_however_they_are_wrapped(address: str) -> None:
    assert len(await guard(resolve=Names([address])).addresses("example.com", 80)) == 1


async def test_names_that_are_never_answered_leave_threads_for_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of the event loop also read and write blobs."""
    over = threading.Event()

    def ask(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    asked = [asyncio.create_task(look_up(f"{number}.example.org", 80)) for number in range(40)]
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(lambda: "free") == "free"
    finally:
        over.set()
        await asyncio.gather(*asked)


async def test_one_address_that_is_not_public_refuses_the_host() -> None:
    with pytest.raises(AddressRefused):
        await guard(resolve=Names([PUBLIC, "10.0.0.1"])).addresses("example.com", 80)


async def test_the_operating_system_knows_this_machine_and_the_guard_refuses_it() -> None:
    with pytest.raises(AddressRefused, match="not a public address"):
        await AddressGuard(Hosts(), look_up).addresses("localhost", 80)


# -- what an operator allows ----------------------------------------------------------------------------------------


async def test_allowed_networks_and_addresses_pass() -> None:
    allowing = guard("10.1.0.0/16, 127.0.0.1,fd00::/8", Names(["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "fd00::1"]))
    assert len(await allowing.addresses("example.com", 80)) == 4
    allowing.check("http://127.0.0.1/")
    for refused in ("http://127.0.0.2/", "http://10.2.0.1/"):
        with pytest.raises(AddressRefused):
            allowing.check(refused)


async def test_an_allowed_name_may_lead_anywhere_and_others_may_not() -> None:
    allowing = guard("Internal.example", Names(["10.1.2.3"]))
    assert await allowing.addresses("internal.example", 80) == ["10.1.2.3"]
    with pytest.raises(AddressRefused):
        await allowing.addresses("other.internal.example", 80)


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/8", "internal/24"])
def test_an_invalid_network_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Hosts.parse(wrong)


# -- connections ----------------------------------------------------------------------------------------------------


async def post(network: GuardedNetwork, url: str) -> int:
    async with httpcore.AsyncConnectionPool(network_backend=network) as pool:
        return (await pool.request("POST", url, content=b"{}")).status


async def test_a_name_that_changes_its_address_is_looked_up_once_and_called_where_it_was_checked() -> None:
    names, net = Names([PUBLIC], ["127.0.0.1"]), Net()
    assert await post(GuardedNetwork(guard(resolve=names), net), "http://rebinding.test/") == 200
    assert (names.asked, net.connected) == (1, [(PUBLIC, 80)])


async def test_a_name_that_changed_its_address_is_refused_at_the_next_attempt() -> None:
    names, net = Names([PUBLIC], ["127.0.0.1"]), Net()
    network = GuardedNetwork(guard(resolve=names), net)
    await post(network, "http://rebinding.test/")
    with pytest.raises(AddressRefused):
        await post(network, "http://rebinding.test/")
    assert net.connected == [(PUBLIC, 80)]


async def test_tls_is_spoken_with_the_host_of_the_url_at_the_checked_address() -> None:
    net = Net()
    await post(GuardedNetwork(guard(), net), "https://secure.test/")
    assert (net.connected, net.stream.server_name) == ([(PUBLIC, 443)], "secure.test")


async def test_an_address_that_does_not_answer_leads_to_the_next_one() -> None:
    net = Net("2606:4700::1111")
    await post(GuardedNetwork(guard(resolve=Names(["2606:4700::1111", PUBLIC])), net), "http://example.com/")
    assert net.connected == [("2606:4700::1111", 80), (PUBLIC, 80)]


async def test_a_host_where_no_address_answers_cannot_be_reached() -> None:
    with pytest.raises(httpcore.ConnectError):
        await post(GuardedNetwork(guard(), Net(PUBLIC)), "http://example.com/")


async def test_a_host_that_nobody_knows_cannot_be_reached() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(httpcore.ConnectError):
        await post(GuardedNetwork(AddressGuard(Hosts(), unknown), Net()), "http://example.com/")

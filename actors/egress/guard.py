"""Which addresses clients may have this server call: public ones, and those that the operator allows.

Each connection looks its host up once and goes to an address that was checked: a second look-up could answer
differently (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

import httpcore
import httpx

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
#: Resolves (host, port) to addresses as text. Raises OSError or UnicodeError when the host has none.
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

CONNECT_S = 5.0  # for each address of a host
PORTS = {"http": 80, "https": 443}

#: Threads of their own: a name whose server never answers holds one for half a minute, and those of the event loop also
#: read and write blobs. There are as many as a dispatcher fetches files and sends messages at once, and some more.
_LOOK_UPS = ThreadPoolExecutor(64, "look-up")

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # the only range assigned so far; `is_global` alone lets more through
_DOCUMENTATION = IPv6Network("3fff::/20")  # not yet known to `is_global`
_NAT64 = IPv6Network("64:ff9b::/96")
_AZURE_HOST = IPv4Address("168.63.129.16")  # looks public, but inside Azure it reaches the machine's own agent


_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")


class AddressRefused(Exception):
    """A URL that must not be called. The message continues the name of the field: "callback_url leads to …"."""


class UrlInvalid(AddressRefused):
    """A URL that cannot be called, or that holds a password."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts, by name or address, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Hosts:
        """Parse comma-separated names, addresses and networks. Raises ValueError for an entry that can never match."""
        entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
        names = {entry for entry in entries if _HOST_NAME.fullmatch(entry) and _literal(entry) is None}
        return cls(frozenset(names), tuple(_network(entry) for entry in entries if entry not in names))


async def look_up(host: str, port: int) -> Sequence[str]:
    """Resolve a host with the operating system's resolver."""
    resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, resolve)
    return [str(address[0]) for *_, address in found]


class AddressGuard:
    """Lets public addresses pass, and `allowed` ones. `denied` ones never pass.

    With `only_allowed`, no other address passes.
    """

    def __init__(
        self,
        allowed: Hosts,
        resolve: Resolve = look_up,
        *,
        denied: Hosts = Hosts(),
        only_allowed: bool = False,
    ) -> None:
        self._allowed = allowed
        self._denied = denied
        self._only_allowed = only_allowed
        self._resolve = resolve

    def check(self, url: str) -> httpx.URL:
        """Check a URL without a look-up. Returns it parsed. Raises AddressRefused, also as UrlInvalid."""
        try:
            parsed = httpx.URL(url)
            host = parsed.host
        except (httpx.InvalidURL, UnicodeError) as error:  # idna's errors are UnicodeErrors
            raise UrlInvalid("is not an http or https URL") from error
        if parsed.scheme not in PORTS or not host or not 0 < port_of(parsed) < 2**16:
            raise UrlInvalid("is not an http or https URL")
        if parsed.userinfo:
            raise UrlInvalid("must not hold a user name or password")
        self._check_name(parsed.raw_host.decode())
        if literal := _literal(host):
            self._check_address(literal)
        return parsed

    async def addresses(self, host: str, port: int) -> list[str]:
        """Resolve `host`. Raises AddressRefused unless every address may be called."""
        self._check_name(host)
        found = [ipaddress.ip_address(address) for address in await self._resolve(host, port)]
        for address in found:
            self._check_address(address, named=host in self._allowed.hosts)
        return [str(address) for address in found]

    def _check_name(self, host: str) -> None:
        if host.lower().rstrip(".") in self._denied.hosts:
            raise AddressRefused(f"names {host}, which this server must not call")

    def _check_address(self, address: Address, *, named: bool = False) -> None:
        """`named`: the operator allows the host by its name."""
        meant = _embedded(address)
        if _is_in(meant, self._denied):
            raise AddressRefused(f"leads to {address}, which this server must not call")
        if named or _is_in(meant, self._allowed):
            return
        if self._only_allowed:
            raise AddressRefused(f"leads to {address}, and this server may only call the hosts that its operator names")
        if not _is_public(meant):
            raise AddressRefused(f"leads to {address}, which is not a public address")


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only. TLS and the Host header still name the host of the URL."""

    def __init__(self, guard: AddressGuard, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try each address of `host`. Raises AddressRefused, or httpcore's error when no address answers."""
        failure: Exception = httpcore.ConnectError("the host has no address")
        try:
            addresses = await self._guard.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise failure from error
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def port_of(url: httpx.URL) -> int:
    return PORTS[url.scheme] if url.port is None else url.port


def _is_in(address: Address, hosts: Hosts) -> bool:
    return any(address in network for network in hosts.networks)


def _network(entry: str) -> Network:
    """An entry of a setting as a network. Raises ValueError."""
    try:
        network = ipaddress.ip_network(entry)
    except ValueError as error:
        raise ValueError(
            f"{entry!r} is no host name, IP address or network: write it without scheme and port"
        ) from error
    if _embedded(network[0]) != network[0]:
        raise ValueError(f"{entry!r} wraps IPv4 addresses: write the IPv4 address or network instead")
    return network


def _literal(host: str) -> Address | None:
    """`host` as an address when it is one, in every notation a resolver accepts: 127.1, 0x7f.1, 2130706433."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _embedded(address: Address) -> Address:
    """The address that packets reach in the end: several kinds of IPv6 addresses only wrap an IPv4 address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and address not in _DOCUMENTATION
    return address != _AZURE_HOST

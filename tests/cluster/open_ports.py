"""The sockets on which a running service listens, and the table of them in docs/security.md."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
OLD_COMMAND = "fetchcraft.parsing.docling.server"
CHOSEN_BY_DOCFLEET = range(20_000, 32_768)  # what is simply "free" in the table was chosen by the system


@dataclass(frozen=True)
class Listening:
    """One socket of a process of the service."""

    process: str
    address: str
    port: int
    udp: bool


@dataclass(frozen=True)
class Row:
    """One line of the table, for a service whose HOST and PORT are known."""

    processes: frozenset[str]
    port: str
    address: str
    host: str
    service_port: int

    def is_about(self, found: Listening) -> bool:
        return found.process in self.processes and self._has_port(found) and self._has_address(found.address)

    @property
    def is_open(self) -> bool:
        return not self.port.startswith("not open")

    @property
    def is_fixed(self) -> bool:
        """Whether Ray has one number for it. Only one Ray of a machine gets the port; the others do without."""
        return self.port[0].isdigit()

    def _has_port(self, found: Listening) -> bool:
        if ("UDP" in self.port) != found.udp:
            return False
        if "`PORT`" in self.port:
            return found.port == self.service_port
        here, _, _ = self.port.partition(";")  # what follows is about other ways to start it
        numbers = [int(number) for number in re.findall(r"\d+", here)]
        if not numbers:
            return found.port not in CHOSEN_BY_DOCFLEET
        return numbers[0] <= found.port <= numbers[-1]

    def _has_address(self, address: str) -> bool:
        kinds = {"`HOST`": {self.host}, "every interface": {"0.0.0.0", "::"}, "127.0.0.1": {"127.0.0.1"}}
        here, _, _ = self.address.partition(";")
        named = {each for kind, addresses in kinds.items() if kind in here for each in addresses}
        of_the_machine = "address of the machine" in here and not address.startswith(("127.", "0.", ":"))
        return address in named or of_the_machine


def table(host: str, service_port: int) -> list[Row]:
    """The documented ports of a service that listens on `host`."""
    section = SECURITY.read_text().partition("\n## Ports\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:3] == "| `"]
    return [
        Row(frozenset(re.findall(r"`([\w.]+)`", process)), port, address, host, service_port)
        for process, port, address, *_ in cells
    ]


def listening(pid: int) -> Iterator[Listening]:
    """All sockets of a process and its descendants."""
    service = psutil.Process(pid)
    for process in (service, *service.children(recursive=True)):
        try:
            name, connections = _name_of(process.cmdline()), process.net_connections("inet")
        except psutil.NoSuchProcess:
            continue
        for connection in connections:
            udp = connection.type == socket.SOCK_DGRAM
            if connection.status == psutil.CONN_LISTEN or udp:
                yield Listening(name, connection.laddr.ip, connection.laddr.port, udp)


def _name_of(command: list[str]) -> str:
    """`ServeReplica` of `ray::ServeReplica:docfleet:Ingress`, `monitor.py` of `python -u .../monitor.py`, ..."""
    if command[0].startswith("ray::"):
        return re.split(r"[:.]", command[0].removeprefix("ray::").strip())[0]
    if OLD_COMMAND in command:
        return "serve_app"
    script = next((word for word in command[1:] if word.endswith(".py") or word == "serve_app"), command[0])
    return Path(script).name

"""What a dispatcher has to know of the other dispatchers of its service."""

from __future__ import annotations

import time
from collections.abc import Mapping

from actors.dispatcher.ports import PeerRegistry
from actors.errors import AWAY
from actors.scheduling.deaths import Deaths
from actors.telemetry.logs import get_logger

log = get_logger()


class Peers:
    """All dispatchers of a service, this one included. They meet in the registry; a single one asks nobody."""

    def __init__(self, registry: PeerRegistry, dispatcher_id: str, count: int) -> None:
        self._registry = registry
        self._me = dispatcher_id
        self._count = count
        #: Whether this is the one that does what only one should do.
        self.is_first = count == 1

    async def part_of(self, slots: int, wanted: int) -> int:
        """This dispatcher's part of all parsers' slots. `wanted` is how many it could use now."""
        if self._count == 1:
            return slots
        try:
            wants = await self._registry.meet(self._me, wanted)
        except AWAY as error:
            log.info("peers_not_met", reason=error.message)
            return max(1, slots // self._count)
        self.is_first = min(wants) == self._me
        return fair_part(slots, wants, self._me)


class SharedDeaths(Deaths):
    """Also knows the calls of other dispatchers, which may have been at work when a parser died."""

    def __init__(self, registry: PeerRegistry) -> None:
        super().__init__()
        self._registry = registry

    async def was_waiting(self, sent_at: float, parser: str = "") -> bool:
        """`sent_at` is in monotonic time."""
        if await super().was_waiting(sent_at, parser):
            return True
        try:
            return bool(parser) and await self._registry.was_waiting(parser, time.time() - time.monotonic() + sent_at)
        except AWAY:
            return False


def fair_part(slots: int, wants: Mapping[str, int], me: str) -> int:
    """My part of `slots`, of which everybody wants some. At least 1, so that a job can start.

    Nobody gets more than it wants while another gets less. What nobody wants is dealt out evenly.
    """
    left = slots
    in_order = sorted(wants.values())
    for place, want in enumerate(in_order):
        even = left // (len(in_order) - place)
        if want > even:  # so does everybody from here on
            return max(1, min(wants[me], even))
        left -= want
    return max(1, wants[me] + left // len(in_order))

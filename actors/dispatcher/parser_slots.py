"""The parsers' slots, and the order in which calls get them."""

from __future__ import annotations

from actors.deaths import Deaths
from actors.fair_semaphore import FairSemaphore


class ParserSlots(FairSemaphore):
    """The slots of the parsers. A call that may break a parser also holds the one slot of `quarantine`."""

    def __init__(self, size: int, deaths: Deaths | None = None) -> None:
        super().__init__(size)
        self.quarantine = FairSemaphore(1)
        self.deaths = deaths or Deaths()

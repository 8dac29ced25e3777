"""Where the dispatchers of a service meet. In memory only: after a restart they soon come again."""

from __future__ import annotations

#: Seconds after which a dispatcher that does not come any more is taken for gone.
GONE_AFTER_S = 5.0


class Peers:
    """The dispatchers that came lately, and how many slots of parsers each could use; the caller passes the time."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}

    def meet(self, dispatcher_id: str, wanted: int, now: float) -> dict[str, int]:
        """How many slots each of them wants, this one included."""
        self._seen[dispatcher_id] = (now, wanted)
        self._seen = {peer: seen for peer, seen in self._seen.items() if abs(now - seen[0]) <= GONE_AFTER_S}
        return {peer: wants for peer, (_, wants) in self._seen.items()}

    def leave(self, dispatcher_id: str) -> None:
        self._seen.pop(dispatcher_id, None)

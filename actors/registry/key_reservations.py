"""Idempotency keys whose first upload is under way."""

from __future__ import annotations

from dataclasses import dataclass

from actors.errors import IdempotencyConflict

#: How long an ingress that holds a key may be silent, in seconds: this is how long a dead one blocks it.
HOLD_S = 10.0


@dataclass(frozen=True, slots=True)
class _Hold:
    job_id: str
    until: float


class KeyReservations:
    """Which upload has which key of which owner; the caller passes the time.

    In memory alone: what two uploads of one key must not become is two jobs, and that is the journal's to prevent.
    """

    def __init__(self) -> None:
        self._reservations: dict[tuple[str, str], _Hold] = {}  # the next to end first

    def take(self, owner: str, key: str, job_id: str, now: float) -> None:
        """Hold a key for the upload of `job_id`, or longer. Raises IdempotencyConflict while it is another's."""
        self.check(owner, key, job_id, now)
        self.release(owner, key, job_id)  # to the end of the line
        self._reservations[owner, key] = _Hold(job_id, now + HOLD_S)

    def release(self, owner: str, key: str, job_id: str) -> None:
        """That upload is over, whatever became of it."""
        if (hold := self._reservations.get((owner, key))) and hold.job_id == job_id:
            del self._reservations[owner, key]

    def check(self, owner: str, key: str, job_id: str, now: float) -> None:
        """Raises IdempotencyConflict while the key is another upload's."""
        while (first := next(iter(self._reservations), None)) and self._reservations[first].until <= now:
            del self._reservations[first]
        if (hold := self._reservations.get((owner, key))) and hold.job_id != job_id:
            raise IdempotencyConflict("A request with this idempotency key is still uploading; please try again later")

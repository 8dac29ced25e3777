"""Idempotency keys whose upload is in progress."""

from __future__ import annotations

from dataclasses import dataclass

from actors.errors import IdempotencyConflict

#: Seconds that a reservation lasts without renewal: a dead ingress blocks its keys for this long.
HOLD_S = 10.0


@dataclass(frozen=True, slots=True)
class _Hold:
    job_id: str
    until: float


class KeyReservations:
    """Which upload holds which owner's key; the caller passes the time.

    Kept in memory only: the journal is what prevents two uploads with one key from becoming two jobs.
    """

    def __init__(self) -> None:
        self._reservations: dict[tuple[str, str], _Hold] = {}  # the first entry ends first

    def __len__(self) -> int:
        return len(self._reservations)

    def take(self, owner: str, key: str, job_id: str, now: float) -> None:
        """Reserve a key for the upload of `job_id`, or renew that. Raises IdempotencyConflict when another upload
        holds the key."""
        self.check(owner, key, job_id, now)
        self.release(owner, key, job_id)  # so that a renewed reservation moves to the end
        self._reservations[owner, key] = _Hold(job_id, now + HOLD_S)

    def release(self, owner: str, key: str, job_id: str) -> None:
        """The upload is over, whether it succeeded or not."""
        if (hold := self._reservations.get((owner, key))) and hold.job_id == job_id:
            del self._reservations[owner, key]

    def check(self, owner: str, key: str, job_id: str, now: float) -> None:
        """Raises IdempotencyConflict while another upload holds the key."""
        while (first := next(iter(self._reservations), None)) and self._reservations[first].until <= now:
            del self._reservations[first]
        if (hold := self._reservations.get((owner, key))) and hold.job_id != job_id:
            raise IdempotencyConflict("A request with this idempotency key is still uploading; please try again later")

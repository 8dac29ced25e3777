"""Opens a journal whose database may still be starting."""

from __future__ import annotations

from actors.errors import StoreUnavailable
from actors.registry.journal import Journal, JournalUnusable
from actors.registry.record import Recovered
from actors.telemetry.retries import RetryingCaller, cause_of

PATIENCE_S = 30.0  # how long to wait for the database


def open_patiently(journal: Journal) -> Recovered:
    """Wait for the database: a start must not fail because the database starts too. Raises JournalUnusable."""
    retrying = RetryingCaller(attempts=None, timeout=PATIENCE_S, wait_max=2.0)
    try:
        return retrying(_worth_waiting, journal.open)
    except StoreUnavailable as error:
        raise JournalUnusable(f"The job journal cannot be reached: {cause_of(error)}") from error


def _worth_waiting(error: Exception) -> bool:
    return isinstance(error, StoreUnavailable)

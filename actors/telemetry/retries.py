"""Retries by stamina, and what is logged of them: the reason, at the first one and then once a minute.

stamina itself logs each retry with the arguments of the call, and these hold whole documents.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from stamina import AsyncRetryingCaller, RetryingCaller, retry, retry_context
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from actors.telemetry.logs import get_logger

__all__ = ["AsyncRetryingCaller", "OnceAMinute", "RetryingCaller", "cause_of", "retry", "retry_context"]

log = get_logger()

MINUTE_S = 60.0

_QUERY = re.compile(r"\?\S*")


class OnceAMinute:
    """Tells what is worth a line in the log from what was there within the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, float] = {}

    def is_due(self, reason: str) -> bool:
        """Whether to log `reason` now. The next minute begins if so."""
        now = self._clock()
        recent = {each: at for each, at in self._logged.items() if now - at < MINUTE_S}
        self._logged = {reason: now, **recent}
        return reason not in recent


def cause_of(error: BaseException) -> str:
    """The first line of an error's cause, or of the error. Without the queries of URLs, which may hold a signature."""
    text = str(error.__cause__ or error).strip().partition("\n")[0]
    return _QUERY.sub("", text)


def _log_retry(details: RetryDetails) -> None:
    next_at = details.waited_so_far + details.wait_for
    if details.retry_num == 1 or next_at // MINUTE_S > details.waited_so_far // MINUTE_S:
        waited = round(details.waited_so_far, 1)
        log.warning("call_retried", call=details.name, reason=cause_of(details.caused_by), waited_s=waited)


set_on_retry_hooks([_log_retry])

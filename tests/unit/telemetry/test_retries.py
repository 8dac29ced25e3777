"""What is logged of calls that are repeated while something is away."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.errors import StoreUnavailable
from actors.telemetry.retries import OnceAMinute, cause_of, retry

DOCUMENT = b"a secret document"


def store_for_ever(monkeypatch: pytest.MonkeyPatch, tries: int) -> list[Any]:
    """What is logged while a document cannot be stored for `tries` tries, each a second after the other."""
    left = iter(range(tries))

    @retry(on=StoreUnavailable, attempts=None, timeout=None, wait_initial=1.0, wait_max=1.0, wait_jitter=0.0)
    def put(key: str, data: bytes) -> None:
        if next(left, None) is not None:
            raise StoreUnavailable("The blob store is full") from OSError(28, "No space left on device")

    monkeypatch.setattr("time.sleep", lambda _: None)
    with capture_logs() as logs:
        put("inputs/a/0", DOCUMENT)
    return logs


def test_a_retry_is_logged_with_its_cause_and_without_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = store_for_ever(monkeypatch, tries=2)
    assert (line["event"], line["log_level"]) == ("call_retried", "warning")
    assert line["reason"] == "[Errno 28] No space left on device"
    assert line["call"].endswith("put")
    assert "secret" not in str(line)


def test_a_call_that_is_repeated_for_long_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = store_for_ever(monkeypatch, tries=200)
    assert [round(line["waited_s"]) for line in lines] == [0, 59, 119, 179]


def test_a_reason_is_due_again_after_a_minute_and_another_one_at_once() -> None:
    now = 0.0
    outages = OnceAMinute(lambda: now)
    asked = [("full", 0.0), ("full", 1.0), ("away", 2.0), ("full", 59.0), ("full", 60.0), ("away", 61.0)]
    due = []
    for reason, now in asked:  # noqa: B007 - the clock reads it
        due.append(outages.is_due(reason))
    assert due == [True, False, True, False, True, False]


def test_the_cause_of_an_error_shows_no_signature_of_a_url() -> None:
    error = StoreUnavailable("The blob store cannot be reached")
    error.__cause__ = OSError(
        "Error performing GET https://a.blob.example/c/k?sig=s3cret in 2 ms - 403\n\nDebug source"
    )
    assert cause_of(error) == "Error performing GET https://a.blob.example/c/k in 2 ms - 403"

"""What the sender of a file that cannot be read is told."""

from __future__ import annotations

import pytest

from actors.parser.engine.reasons import UNKNOWN, reason_of

DIGITS = "Exceeds the limit (4300 digits) for integer string conversion: value has 50000 digits"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("__properties_version1.0"), UNKNOWN),
        (KeyError("There is no item named 'a.xml' in the archive"), "There is no item named 'a.xml' in the archive"),
        (ValueError(f"{DIGITS}; use sys.set_int_max_str_digits() to increase the limit"), DIGITS),
    ],
)
def test_a_reason_is_for_the_sender_of_the_file(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason

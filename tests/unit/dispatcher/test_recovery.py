"""When a call that may kill its parser may be made."""

from __future__ import annotations

import pytest

from actors.dispatcher.recovery import RESTART_S, Recovery

#: More than the time that a parser takes to start again.
LATER = RESTART_S + 1


@pytest.mark.parametrize(
    ("lived", "living", "after_s", "complete"),
    [
        (2, 2, 1, True),
        (2, 1, 1, False),  # the other parser would be the last
        (2, 0, 1, False),
        (8, 7, 1, True),
        (8, 1, 1, False),
        (1, 1, 1, True),  # a fleet of one has no other
        (1, 0, 1, False),
        (2, 1, LATER, True),  # the fleet has shrunk
        (1, 0, LATER, True),  # only a call makes it grow from nothing
        (1, 2, 1, True),
    ],
)
def test_a_fleet_bears_a_death_when_those_that_died_are_back(
    lived: int, living: int, after_s: float, complete: bool
) -> None:
    fleet = Recovery()
    fleet.is_complete(lived, 1000.0)
    assert fleet.is_complete(living, 1000.0 + after_s) is complete


def test_a_fleet_that_has_just_started_bears_a_death() -> None:
    assert Recovery().is_complete(0, 1000.0)

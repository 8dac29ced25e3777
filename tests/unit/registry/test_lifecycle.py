"""The table of states: every row, and every missing row."""

from __future__ import annotations

import pytest

from actors.registry.lifecycle import (
    ENDED,
    ON_THE_WIRE,
    TRANSITIONS,
    UNFINISHED,
    Event,
    IllegalTransition,
    State,
    after,
)
from client.models import JobStatusEnum

ROWS = {
    (State.QUEUED, Event.CLAIM): State.RUNNING,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.RUNNING, Event.REQUEUE): State.QUEUED,
    (State.RUNNING, Event.COMPLETE): State.COMPLETED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.CANCEL): State.CANCELLED,
}
HOLES = [(state, event) for state in State for event in Event if (state, event) not in ROWS]


@pytest.mark.parametrize(("state", "event"), ROWS)
def test_a_row_leads_to_its_state(state: State, event: Event) -> None:
    assert after(state, event) is ROWS[state, event]


@pytest.mark.parametrize(("state", "event"), HOLES)
def test_a_missing_row_is_an_error(state: State, event: Event) -> None:
    with pytest.raises(IllegalTransition, match=f"a job that is {state} cannot {event}"):
        after(state, event)


def test_every_state_has_a_row_even_an_empty_one() -> None:
    assert set(TRANSITIONS) == set(State)
    assert (*UNFINISHED, *ENDED) == tuple(State)


def test_ended_on_the_wire_means_ended_here() -> None:
    assert {state for state in State if ON_THE_WIRE[state].ended} == set(ENDED)


def test_cancelled_is_failed_on_the_wire() -> None:
    assert ON_THE_WIRE[State.CANCELLED] is JobStatusEnum.FAILED

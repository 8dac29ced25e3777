"""When to ask for a job again."""

from __future__ import annotations

import math

import pytest

from client._waiting import LONGEST_LOOK_S, LONGEST_PAUSE_S, SHORTEST_LOOK_S, Waiting


def test_without_a_timeout_there_is_always_time_left() -> None:
    assert Waiting(started=0.0).left(1e9) == math.inf


def test_no_look_is_held_past_the_end_or_longer_than_servers_allow() -> None:
    waiting = Waiting(started=100.0, poll_interval=500.0, timeout=90.0)
    assert waiting.hold(100.0) == LONGEST_LOOK_S
    assert waiting.hold(170.0) == 20.0
    assert waiting.hold(200.0) == 0.0


@pytest.mark.parametrize("interval", [0.0, -1.0])
def test_no_interval_makes_a_hot_loop(interval: float) -> None:
    waiting = Waiting(started=0.0, poll_interval=interval)
    assert waiting.hold(0.0) == SHORTEST_LOOK_S
    assert waiting.pause(asked=0.0, held=SHORTEST_LOOK_S, now=0.0, changed=False) == SHORTEST_LOOK_S


def test_answer_that_was_held_is_followed_by_the_next_look() -> None:
    assert Waiting(started=0.0, poll_interval=2.0).pause(asked=5.0, held=2.0, now=7.01, changed=False) == 0.0


def test_answer_that_came_early_and_brought_nothing_is_followed_by_the_rest_of_the_interval() -> None:
    assert Waiting(started=0.0, poll_interval=2.0).pause(asked=5.0, held=2.0, now=5.5, changed=False) == 1.5


def test_pause_after_a_change_grows_with_the_time_waited_up_to_its_cap() -> None:
    waiting = Waiting(started=0.0, poll_interval=10.0)
    pauses = [waiting.pause(asked=now, held=10.0, now=now, changed=True) for now in (0.0, 1.0, 4.0, 100.0)]
    assert pauses == pytest.approx([0.0, 0.05, 0.2, LONGEST_PAUSE_S])

"""The member with the fewest calls, found without a look at all of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.handles.load import LeastLoaded

EVERYBODY = range(6)


def always(_member: int) -> bool:
    return True


@given(st.lists(st.tuples(st.sampled_from(["start", "end", "fleet"]), st.integers(0, 5)), max_size=300))
def test_a_pick_has_the_fewest_calls_after_any_history(steps: list[tuple[str, int]]) -> None:
    load, calls, members = LeastLoaded[int](), Counter[int](), set(EVERYBODY)
    load.choose_among(members)
    for step, member in steps:
        if step == "start":
            calls[member] += 1
            load.started(member)
        elif step == "end" and calls[member]:
            calls[member] -= 1
            load.ended(member)
        elif step == "fleet":
            members = {other for other in EVERYBODY if other <= member}
            load.choose_among(members)
        picked = load.pick(always)
        assert picked in members
        assert calls[picked] == min(calls[member] for member in members)


def test_on_a_tie_the_call_goes_behind_the_one_that_began_first() -> None:
    load = LeastLoaded[int]()
    load.choose_among(EVERYBODY)
    began = []
    for _ in EVERYBODY:
        picked = load.pick(always)
        assert picked is not None
        load.started(picked)
        began.append(picked)
    load.started(began[2])
    load.ended(began[2])  # it has just begun its second call
    assert load.pick(always) == began[0]
    load.started(began[0])
    assert load.pick(always) == began[1]
    load.started(began[1])
    assert load.pick(always) == began[3]


def test_a_tie_of_members_without_calls_is_decided_by_chance() -> None:
    picked = set()
    for _ in range(200):
        load = LeastLoaded[int]()
        load.choose_among(EVERYBODY)
        picked.add(load.pick(always))
    assert picked == set(EVERYBODY)


def test_an_unusable_member_is_passed_over_and_comes_back() -> None:
    load = LeastLoaded[int]()
    load.choose_among([1, 2])
    load.started(2)
    assert load.pick(lambda member: member != 1) == 2
    assert load.pick(always) == 1
    assert load.pick(lambda _: False) is None


def test_a_pick_among_many_members_looks_at_few_of_them() -> None:
    looked: list[int] = []

    def is_usable(member: int) -> bool:
        looked.append(member)
        return True

    load = LeastLoaded[int]()
    load.choose_among(range(10_000))
    for _ in range(1_000):
        picked = load.pick(is_usable)
        assert picked is not None
        load.started(picked)
    assert len(looked) == 1_000

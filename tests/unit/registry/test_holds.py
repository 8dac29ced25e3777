"""Which upload has which idempotency key."""

from __future__ import annotations

from actors.registry.holds import HOLD_S, KeyHolds


def test_a_key_is_held_by_one_upload_of_an_owner() -> None:
    holds = KeyHolds()
    assert holds.take("me", "k", "a", now=0)
    assert not holds.take("me", "k", "b", now=1)
    assert holds.take("me", "other", "b", now=1)
    assert holds.take("you", "k", "c", now=1)


def test_a_key_that_is_not_held_anew_is_free_again() -> None:
    holds = KeyHolds()
    holds.take("me", "k", "a", now=0)
    assert holds.take("me", "k", "a", now=HOLD_S - 1)
    assert not holds.take("me", "k", "b", now=HOLD_S)
    assert holds.take("me", "k", "b", now=2 * HOLD_S - 1)


def test_only_its_own_upload_gives_a_key_back() -> None:
    holds = KeyHolds()
    holds.take("me", "k", "a", now=0)
    holds.release("me", "k", "b")
    assert holds.is_anothers("me", "k", "b", now=0)
    holds.release("me", "k", "a")
    assert not holds.is_anothers("me", "k", "b", now=0)


def test_what_has_ended_is_not_kept() -> None:
    holds = KeyHolds()
    for number in range(100):
        holds.take("me", str(number), "a", now=number * HOLD_S)
    assert len(holds._holds) == 1

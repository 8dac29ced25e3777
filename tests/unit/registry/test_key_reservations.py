"""Which upload has which idempotency key."""

from __future__ import annotations

import pytest

from actors.errors import IdempotencyConflict
from actors.registry.key_reservations import HOLD_S, KeyReservations


def test_a_key_is_held_by_one_upload_of_an_owner() -> None:
    reservations = KeyReservations()
    reservations.take("me", "k", "a", now=0)
    reservations.take("me", "other", "b", now=1)
    reservations.take("you", "k", "c", now=1)
    with pytest.raises(IdempotencyConflict):
        reservations.take("me", "k", "b", now=1)


def test_a_key_that_is_not_held_anew_is_free_again() -> None:
    reservations = KeyReservations()
    reservations.take("me", "k", "a", now=0)
    reservations.take("me", "k", "a", now=HOLD_S - 1)
    with pytest.raises(IdempotencyConflict):
        reservations.take("me", "k", "b", now=HOLD_S)
    reservations.take("me", "k", "b", now=2 * HOLD_S - 1)


def test_only_its_own_upload_gives_a_key_back() -> None:
    reservations = KeyReservations()
    reservations.take("me", "k", "a", now=0)
    reservations.release("me", "k", "b")
    with pytest.raises(IdempotencyConflict):
        reservations.check("me", "k", "b", now=0)
    reservations.release("me", "k", "a")
    reservations.check("me", "k", "b", now=0)


def test_what_has_ended_is_not_kept() -> None:
    reservations = KeyReservations()
    for number in range(100):
        reservations.take("me", str(number), "a", now=number * HOLD_S)
    assert len(reservations) == 1

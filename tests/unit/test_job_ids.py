"""Which registry has a job."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.job_ids import MAX_SHARDS, new_job_id, shard_of


def test_with_one_registry_an_id_is_a_uuid() -> None:
    assert UUID(new_job_id(1))
    assert UUID(new_job_id(1, "owner", "key"))


@pytest.mark.parametrize("shards", [1, 2, 7, MAX_SHARDS])
def test_ids_are_spread_over_all_registries(shards: int) -> None:
    assert {shard_of(new_job_id(shards)) for _ in range(60 * shards)} == set(range(shards))
    assert {shard_of(new_job_id(shards, "", f"key {n}")) for n in range(60 * shards)} == set(range(shards))


@given(st.integers(1, MAX_SHARDS), st.text(), st.text())
def test_all_jobs_of_a_key_are_in_one_registry(shards: int, owner: str, key: str) -> None:
    assert len({shard_of(new_job_id(shards, owner, key)) for _ in range(3)}) == 1


def test_a_plain_uuid_is_always_in_the_first_registry() -> None:
    assert {shard_of(str(uuid4())) for _ in range(2_000)} == {0}


@pytest.mark.parametrize("job_id", ["", "-", "0-a", "a", "01-a", "100-a", "1", "\n1-a"])
def test_what_is_no_id_belongs_to_the_first_registry(job_id: str) -> None:
    assert shard_of(job_id) == 0

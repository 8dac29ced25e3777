"""Each rule of the ledger by itself. Their interplay is tested by the state machine beside this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from actors.errors import IdempotencyMismatch, QueueFull, StaleLease
from actors.messages import Claim, Failure, Heartbeat, InputFile, JobOutcome, JobSpec
from actors.registry.ledger import Ledger
from actors.registry.lifecycle import State
from actors.registry.record import Effect, Save, Show
from actors.sources import Source
from client.models import ErrorCode, JobStatusEnum, Progress

LEASE_TICKS = 3  # of the ledger that these tests get

Spec = Callable[..., JobSpec]
Restart = Callable[[Ledger], Ledger]


def claim(ledger: Ledger, dispatcher: str = "d", now: float = 0.0) -> Claim:
    (claimed,), _ = ledger.claim(dispatcher, 1, now)
    return claimed


def run_out(ledger: Ledger, now: float = 60.0) -> list[Effect]:
    """Let time pass until every lease that nobody renews has ended."""
    return [effect for _ in range(LEASE_TICKS) for effect in ledger.tick(now)]


def beat(claimed: Claim, **progress: int) -> Heartbeat:
    return Heartbeat(job_id=claimed.spec.job_id, lease=claimed.lease, progress=Progress(**progress))


# -- submit ---------------------------------------------------------------------------------------------------------


def test_submit_saves_a_queued_job(ledger: Ledger, make_spec: Spec) -> None:
    job, effects = ledger.submit(make_spec("a"))
    assert job.state is State.QUEUED
    assert effects == [Save(None, job)]


def test_submitting_a_job_again_changes_nothing(ledger: Ledger, make_spec: Spec) -> None:
    job, _ = ledger.submit(make_spec("a"))
    assert ledger.submit(make_spec("a")) == (job, [])


def test_the_same_key_is_the_same_job(ledger: Ledger, make_spec: Spec) -> None:
    job, _ = ledger.submit(make_spec("a", idempotency_key="k", fingerprint="f"))
    assert ledger.submit(make_spec("b", idempotency_key="k", fingerprint="f")) == (job, [])


def test_the_same_key_with_another_payload_is_refused(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a", idempotency_key="k", fingerprint="f"))
    with pytest.raises(IdempotencyMismatch):
        ledger.submit(make_spec("b", idempotency_key="k", fingerprint="g"))


def test_two_owners_may_use_the_same_key(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a", idempotency_key="k", owner="one"))
    job, effects = ledger.submit(make_spec("b", idempotency_key="k", owner="two"))
    assert (job.job_id, len(effects)) == ("b", 1)


def test_a_full_queue_takes_no_more_jobs_until_one_was_claimed(ledger: Ledger, make_spec: Spec) -> None:
    for n in range(10):
        ledger.submit(make_spec(f"j{n}"))
    with pytest.raises(QueueFull):
        ledger.submit(make_spec("late"))
    claim(ledger)
    ledger.submit(make_spec("late"))


def test_a_full_queue_takes_no_more_bytes(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a", size=600))
    with pytest.raises(QueueFull):
        ledger.submit(make_spec("b", size=401))
    ledger.submit(make_spec("c", size=400))


def test_a_full_queue_still_knows_a_repeated_submit(ledger: Ledger, make_spec: Spec) -> None:
    for n in range(10):
        ledger.submit(make_spec(f"j{n}"))
    assert ledger.submit(make_spec("j3"))[1] == []


# -- claim ----------------------------------------------------------------------------------------------------------


def test_claims_go_out_in_order_and_not_beyond_the_limit(ledger: Ledger, make_spec: Spec) -> None:
    for name in "abc":
        ledger.submit(make_spec(name))
    claims, effects = ledger.claim("d", 2, now=5.0)
    assert [claimed.spec.job_id for claimed in claims] == ["a", "b"]
    assert [effect.after.started_at for effect in effects] == [5.0, 5.0]
    assert (ledger.queued, ledger.running) == (1, 2)


def test_a_claim_for_newcomers_gives_nothing_to_owners_who_run_a_job(ledger: Ledger, make_spec: Spec) -> None:
    for job, owner in {"a": "hostile", "b": "hostile", "c": "neighbour", "d": "neighbour"}.items():
        ledger.submit(make_spec(job, owner=owner))
    held = claim(ledger)
    claims, _ = ledger.claim("d", 9, 0.0, {("a", held.lease)}, newcomers=True)
    assert [claimed.spec.job_id for claimed in claims] == ["c"]


def test_a_claimed_job_is_not_claimed_again(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    held = claim(ledger)
    assert ledger.claim("d", 1, 0.0, {("a", held.lease)}) == ([], [])
    assert ledger.claim("other", 1, 0.0) == ([], [])


def test_what_an_answer_lost_is_given_again_before_anything_else(ledger: Ledger, make_spec: Spec) -> None:
    for name in "abc":
        ledger.submit(make_spec(name))
    heard, lost = ledger.claim("d", 2, now=0.0)[0]
    held = {("a", heard.lease)}
    assert ledger.claim("d", 1, 1.0, held) == ([lost], [])
    again, new = ledger.claim("d", 2, 1.0, held)[0]
    assert (again, new.spec.job_id) == (lost, "c")


def test_a_job_is_not_held_under_a_lease_that_ended(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    late = claim(ledger)
    run_out(ledger)
    second = claim(ledger, now=60.0)
    (again,), _ = ledger.claim("d", 1, 61.0, {("a", late.lease)})
    assert again == replace(second, attempt=1)  # the dispatcher lives: its first delivery does not count


def test_each_delivery_has_a_lease_of_its_own(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    first = claim(ledger)
    run_out(ledger)
    second = claim(ledger, now=60.0)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.lease != second.lease


# -- leases ---------------------------------------------------------------------------------------------------------


def test_a_job_is_queued_again_in_its_old_place_when_its_lease_ends(ledger: Ledger, make_spec: Spec) -> None:
    for name in "abc":
        ledger.submit(make_spec(name))
    claim(ledger)
    for _ in range(LEASE_TICKS - 1):
        assert ledger.tick(59.0) == []
    (effect,) = ledger.tick(60.0)
    assert effect.after.state is State.QUEUED
    assert effect.after.started_at is None
    assert [ledger.position(name) for name in "abc"] == [1, 2, 3]


def test_a_heartbeat_renews_the_lease(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    for _ in range(2):
        assert ledger.heartbeat([beat(claimed)]) == ([], [])
        for _ in range(LEASE_TICKS - 1):
            assert ledger.tick(1.0) == []
    assert len(ledger.tick(1.0)) == 1


def test_a_clock_that_jumps_ends_no_lease(ledger: Ledger, make_spec: Spec) -> None:
    """Like the clock of a machine that was suspended together with its dispatchers."""
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    assert ledger.tick(10**6) == []
    assert ledger.finish("a", claimed.lease, JobOutcome(), now=10**6)[0].state is State.COMPLETED


def test_a_heartbeat_under_a_lease_that_ended_is_told_to_stop(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    late = claim(ledger)
    run_out(ledger)
    claim(ledger, "other", now=60.0)
    stop, effects = ledger.heartbeat([beat(late)])
    assert (stop, [effect.after.lease != late.lease for effect in effects]) == (["a"], [True])
    assert len(run_out(ledger)) == 1, "a stranger's heartbeat must not renew the lease"


def test_a_job_that_was_delivered_three_times_in_vain_is_poison(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    for round_ in range(3):
        claim(ledger, now=round_ * 60.0)
        (effect,) = run_out(ledger, (round_ + 1) * 60.0)
    assert effect.after.state is State.FAILED
    assert effect.after.outcome is not None
    assert effect.after.outcome.failure is not None
    assert effect.after.outcome.failure.code is ErrorCode.POISON


@pytest.mark.parametrize("by", ["heartbeat", "claim"])
def test_a_dispatcher_that_was_only_late_does_not_make_a_job_poison(ledger: Ledger, make_spec: Spec, by: str) -> None:
    ledger.submit(make_spec("a"))
    for _ in range(9):
        late = claim(ledger)
        assert late.attempt == 1
        (effect,) = run_out(ledger)
        assert (effect.after.state, effect.after.attempts) == (State.QUEUED, 1)
        if by == "heartbeat":
            (uncounted,) = ledger.heartbeat([beat(late)])[1]
        else:
            _, (uncounted,) = ledger.claim("other", 0, 0.0, [("a", late.lease)])
        assert (uncounted.after.state, uncounted.after.attempts) == (State.QUEUED, 0)
    assert ledger.heartbeat([beat(late)]) == (["a"], []), "a delivery is taken back once"


def test_a_late_dispatcher_takes_its_delivery_back_from_the_next_one(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    late = claim(ledger)
    run_out(ledger)
    held = claim(ledger, "other")
    ledger.heartbeat([beat(late)])
    job = ledger.get("a")
    assert job is not None
    assert (job.state, job.attempts, job.lease) == (State.RUNNING, 1, held.lease)


def test_a_release_is_the_end_of_the_lease(ledger: Ledger, make_spec: Spec) -> None:
    for name in "ab":
        ledger.submit(make_spec(name))
    for attempt in (1, 2):
        (effect,) = ledger.release([("a", claim(ledger).lease)], now=1.0)
        assert (effect.after.state, effect.after.attempts, ledger.position("a")) == (State.QUEUED, attempt, 1)
    (effect,) = ledger.release([("a", claim(ledger).lease)], now=1.0)
    assert effect.after.state is State.FAILED


def test_what_a_dispatcher_leaves_is_queued_in_its_old_place_without_counting(ledger: Ledger, make_spec: Spec) -> None:
    for name in "abc":
        ledger.submit(make_spec(name))
    theirs = claim(ledger)
    others = claim(ledger, "other")
    (effect,) = ledger.leave("d", now=1.0)
    assert effect.after.attempts == 0
    assert (ledger.position("a"), ledger.position("b")) == (1, None)
    assert claim(ledger).lease != theirs.lease
    assert ledger.heartbeat([beat(others)]) == ([], [])


def test_a_release_under_another_lease_is_skipped(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claim(ledger)
    assert ledger.release([("a", "stale"), ("unknown", "1")], now=1.0) == []


# -- progress -------------------------------------------------------------------------------------------------------


def test_progress_is_shown_and_not_saved(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    _, (effect,) = ledger.heartbeat([beat(claimed, pages_done=2)])
    assert isinstance(effect, Show)
    assert effect.after.progress.pages_done == 2


def test_the_same_progress_again_is_no_change(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    ledger.heartbeat([beat(claimed, pages_done=2)])
    assert ledger.heartbeat([beat(claimed, pages_done=2)]) == ([], [])


def test_progress_does_not_fall_when_a_job_is_delivered_again(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    ledger.heartbeat([beat(claim(ledger), pages_total=9, pages_done=5)])
    run_out(ledger)
    ledger.heartbeat([beat(claim(ledger, now=60.0), pages_total=9, pages_done=1)])
    job = ledger.get("a")
    assert job is not None
    assert job.progress == Progress(pages_total=9, pages_done=5)


def test_a_fetched_source_is_erased_and_the_others_are_kept(ledger: Ledger, make_spec: Spec) -> None:
    files = tuple(
        InputFile(filename="a", blob="b", size=0, sha256="", remote=True, source=Source(url=url)) for url in "xy"
    )
    ledger.submit(replace(make_spec("a"), files=files))
    fetched = replace(beat(claim(ledger), files_fetched=1), fetched=frozenset({1}))
    _, (effect,) = ledger.heartbeat([fetched])
    assert isinstance(effect, Save)
    assert (list(effect.after.sources), effect.after.progress.files_fetched) == ([0], 1)
    assert ledger.heartbeat([fetched]) == ([], [])


# -- endings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (None, State.COMPLETED),
        (ErrorCode.STORE_UNAVAILABLE, State.FAILED),
        (ErrorCode.CANCELLED, State.CANCELLED),
    ],
)
def test_the_outcome_decides_how_a_job_ends(
    ledger: Ledger, make_spec: Spec, code: ErrorCode | None, state: State
) -> None:
    ledger.submit(make_spec("a"))
    outcome = JobOutcome(failure=Failure(code=code, message="why") if code else None, progress=Progress(pages_done=1))
    job, effects = ledger.finish("a", claim(ledger).lease, outcome, now=7.0)
    assert (job.state, job.ended_at, job.progress) == (state, 7.0, outcome.progress)
    assert [effect.after for effect in effects] == [job]
    assert ledger.get("a") is None
    assert (ledger.queued, ledger.running) == (0, 0)


def test_a_finish_under_a_lease_that_ended_is_refused(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    late = claim(ledger)
    run_out(ledger)
    with pytest.raises(StaleLease):
        ledger.finish("a", late.lease, JobOutcome(), now=61.0)


def test_a_key_is_free_in_the_ledger_once_its_job_has_ended(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a", idempotency_key="k"))
    ledger.finish("a", claim(ledger).lease, JobOutcome(), now=0.0)
    assert ledger.submit(make_spec("b", idempotency_key="k"))[0].job_id == "b"


# -- cancel ---------------------------------------------------------------------------------------------------------


def test_a_queued_job_is_cancelled_at_once(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    job, effects = ledger.cancel("a", now=3.0)
    assert job.state is State.CANCELLED
    assert job.view().status is JobStatusEnum.FAILED
    assert job.view().failure == Failure(code=ErrorCode.CANCELLED, message="The job was cancelled")
    assert [effect.after for effect in effects] == [job]
    assert ledger.queued == 0


def test_a_running_job_goes_on_until_its_dispatcher_hears_of_the_cancel(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    job, (effect,) = ledger.cancel("a", now=3.0)
    assert (job.state, effect.after.cancel_requested) == (State.RUNNING, True)
    assert ledger.heartbeat([beat(claimed)])[0] == ["a"]
    (effect,) = ledger.release([("a", claimed.lease)], now=5.0)
    assert effect.after.state is State.CANCELLED


def test_cancelling_a_running_job_twice_is_one_request(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claim(ledger)
    job, _ = ledger.cancel("a", now=3.0)
    assert ledger.cancel("a", now=4.0) == (job, [])


def test_the_end_of_a_lease_ends_a_job_that_should_stop(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claim(ledger)
    ledger.cancel("a", now=3.0)
    (effect,) = run_out(ledger)
    assert effect.after.state is State.CANCELLED


def test_a_job_that_completes_in_spite_of_a_cancel_is_completed(ledger: Ledger, make_spec: Spec) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    ledger.cancel("a", now=3.0)
    assert ledger.finish("a", claimed.lease, JobOutcome(), now=4.0)[0].state is State.COMPLETED


# -- restart --------------------------------------------------------------------------------------------------------


def test_a_restart_gives_running_jobs_their_lease_and_its_full_time(
    ledger: Ledger, make_spec: Spec, restart: Restart
) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    after = restart(ledger)
    for _ in range(LEASE_TICKS - 1):
        assert after.tick(1059.9) == []
    assert after.finish("a", claimed.lease, JobOutcome(), now=1059.9)[0].state is State.COMPLETED


def test_a_restart_gives_an_answer_that_got_lost_again_to_the_dispatcher_it_was_for(
    ledger: Ledger, make_spec: Spec, restart: Restart
) -> None:
    ledger.submit(make_spec("a"))
    lost = claim(ledger)
    after = restart(ledger)
    assert after.claim("another", 1, now=1.0) == ([], [])
    assert after.claim("d", 1, now=1.0) == ([lost], [])


def test_a_job_is_not_poison_because_everything_died_and_started_anew(
    ledger: Ledger, make_spec: Spec, restart: Restart
) -> None:
    ledger.submit(make_spec("a"))
    for _ in range(9):
        assert claim(ledger).attempt == 1
        ledger = restart(ledger)
        (effect,) = run_out(ledger)
        assert (effect.after.state, effect.after.attempts) == (State.QUEUED, 0)


@pytest.mark.parametrize("by", ["heartbeat", "claim"])
def test_a_dispatcher_that_died_alone_counts_also_if_the_registry_restarted_before(
    ledger: Ledger, make_spec: Spec, restart: Restart, by: str
) -> None:
    ledger.submit(make_spec("a"))
    for _ in range(3):
        claimed = claim(ledger)
        ledger = restart(ledger)
        if by == "heartbeat":
            ledger.heartbeat([beat(claimed)])
        else:
            ledger.claim("d", 0, 0.0, [("a", claimed.lease)])
        (effect,) = run_out(ledger)
    assert effect.after.state is State.FAILED


def test_a_late_dispatcher_of_before_a_restart_takes_its_delivery_back_once(
    ledger: Ledger, make_spec: Spec, restart: Restart
) -> None:
    ledger.submit(make_spec("a"))
    late = claim(ledger)
    ledger = restart(ledger)
    run_out(ledger)
    assert ledger.heartbeat([beat(late)]) == (["a"], [])
    assert claim(ledger, "other").attempt == 1


def test_versions_grow_across_a_restart(ledger: Ledger, make_spec: Spec, restart: Restart) -> None:
    ledger.submit(make_spec("a"))
    claimed = claim(ledger)
    ledger.heartbeat([beat(claimed, pages_done=1)])
    before, after = ledger.get("a"), restart(ledger).get("a")
    assert before is not None
    assert after is not None
    assert after.version > before.version

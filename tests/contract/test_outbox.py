"""The outbox' contract, on SQLite and PostgreSQL: deliveries start and end with their job's row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.errors import StaleLease, StoreUnavailable
from actors.messages import InputFile, JobOutcome, JobSpec
from actors.registry.journal import Journal
from actors.registry.ledger import CANCELLED
from actors.registry.lifecycle import Event, State
from actors.registry.outbox import LEASE_S, Outbox
from actors.registry.record import JobRecord, Save
from client.models import ChunkOptions, Delivery, DeliveryState, JobStatusEnum, ParseOptions

CALLBACK = "https://example.com/hook?ä=\udcff"  # as strange as a form can make it
WEBHOOK = "https://example.com/events"

Open = Callable[[], Journal]
Finish = Callable[..., JobRecord]


@pytest.fixture
def open_journal(database_url: str) -> Iterator[Open]:
    """Opens the same database any number of times, each time as another process would."""
    opened: list[Journal] = []

    def open_() -> Journal:
        opened.append(Journal(database_url))
        opened[-1].open()
        return opened[-1]

    yield open_
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Open) -> Journal:
    return open_journal()


@pytest.fixture
def outbox(journal: Journal) -> Outbox:
    return Outbox(journal)


@pytest.fixture
def database(database_url: str, journal: Journal) -> Iterator[Engine]:
    """Access to the database without the journal."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def queued(seq: int, **urls: Any) -> JobRecord:
    file = InputFile(filename="a.pdf", blob="inputs/a/0", size=1, sha256="00")
    spec = JobSpec(**{"job_id": f"j{seq}", "files": (file,), "options": ParseOptions(), "submitted_at": 0.0, **urls})
    return JobRecord(spec=spec, seq=seq, state=State.QUEUED, version=seq)


def completed(job: JobRecord, now: float = 10.0) -> JobRecord:
    running = job.after(Event.CLAIM, started_at=1.0, lease="l", dispatcher="d")
    return running.after(Event.COMPLETE, ended_at=now, outcome=JobOutcome())


@pytest.fixture
def finish(journal: Journal) -> Finish:
    """Ends a job at a given time, in one write."""

    def finish_(seq: int, now: float = 10.0, **urls: Any) -> JobRecord:
        job = completed(queued(seq, **(urls or {"callback_url": CALLBACK})), now)
        journal.write([Save(None, job)])
        return job

    return finish_


def report(delivery: DueDelivery, position: int, **changes: Any) -> DeliveryReport:
    return DeliveryReport(
        job_id=delivery.job.job_id, kind=delivery.kind, lease=delivery.lease, position=position, **changes
    )


def only(outbox: Outbox, job_id: str = "j1") -> Delivery:
    (delivery,) = outbox.of(job_id)
    return delivery


# -- where deliveries come from and go ------------------------------------------------------------------------------


def test_the_end_of_a_job_makes_a_delivery_of_each_kind_that_it_asked_for(finish: Finish, outbox: Outbox) -> None:
    finish(1, callback_url=CALLBACK, webhook_url=WEBHOOK)
    finish(2, webhook_url=WEBHOOK)
    finish(3, callback_url=None)
    assert [(delivery.kind, delivery.url) for delivery in outbox.of("j1")] == [
        ("callback", CALLBACK),
        ("webhook", WEBHOOK),
    ]
    assert only(outbox, "j2").kind == "webhook"
    assert outbox.of("j3") == outbox.of("unknown") == []
    assert only(outbox, "j2") == Delivery(
        kind="webhook",
        url=WEBHOOK,
        state=DeliveryState.PENDING,
        messages_sent=0,
        failed_attempts=0,
        next_attempt_at=10.0,
    )


def test_a_job_that_has_not_ended_has_no_deliveries(journal: Journal, outbox: Outbox) -> None:
    journal.write([Save(None, queued(1, callback_url=CALLBACK))])
    assert outbox.of("j1") == outbox.take(9, now=99.0) == []


def test_a_cancelled_job_is_told_as_failed(journal: Journal, outbox: Outbox) -> None:
    job = queued(1, callback_url=CALLBACK)
    journal.write([Save(None, job)])
    journal.write([Save(job, job.after(Event.CANCEL, ended_at=5.0, outcome=JobOutcome(failure=CANCELLED)))])
    (delivery,) = outbox.take(1, now=5.0)
    assert (delivery.job.status, delivery.job.failure) == (JobStatusEnum.FAILED, CANCELLED)


def test_a_job_ends_together_with_its_deliveries_or_not_at_all(journal: Journal, database: Engine) -> None:
    job = queued(1, callback_url=CALLBACK)
    journal.write([Save(None, job)])
    with database.begin() as connection:
        connection.execute(text("DROP TABLE docfleet_deliveries"))
    with pytest.raises(StoreUnavailable):
        journal.write([Save(job, completed(job))])
    assert journal.get(["j1"])["j1"].state is State.QUEUED


@pytest.mark.parametrize("removal", ["bury", "delete"])
def test_a_job_that_is_removed_takes_its_deliveries_along(
    journal: Journal, finish: Finish, outbox: Outbox, database: Engine, removal: str
) -> None:
    finish(1)
    finish(2)
    journal.bury(["j1"], 20.0) if removal == "bury" else journal.delete(["j1"])
    assert [delivery.job.job_id for delivery in outbox.take(9, now=99.0)] == ["j2"]
    with database.connect() as connection:
        assert connection.execute(text("SELECT job_id FROM docfleet_deliveries")).scalars().all() == ["j2"]


def test_deliveries_survive_a_restart(finish: Finish, outbox: Outbox, open_journal: Open) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 7), now=11.0)
    (again,) = Outbox(open_journal()).take(1, now=11.0 + LEASE_S)
    assert again.position == 7


# -- who sends them -------------------------------------------------------------------------------------------------


def test_a_due_delivery_carries_what_a_dispatcher_needs(finish: Finish, outbox: Outbox) -> None:
    job = finish(1, callback_url=CALLBACK, task_id="t")
    (delivery,) = outbox.take(1, now=10.0)
    assert (delivery.job, delivery.url, delivery.task_id) == (job.view(), CALLBACK, "t")
    assert (delivery.kind, delivery.position, delivery.failed_attempts) == ("callback", 0, 0)


def test_a_callback_of_chunks_carries_how_to_cut_them(finish: Finish, outbox: Outbox) -> None:
    options = ParseOptions(chunks=ChunkOptions(max_tokens=64))
    finish(1, callback_url=CALLBACK, options=options, callback_content="chunks")
    finish(2, 11.0, callback_url=CALLBACK, options=options)
    chunks, nodes = outbox.take(2, now=11.0)
    assert (chunks.chunks, nodes.chunks) == (options.chunks, None)


def test_a_task_without_an_id_is_called_by_its_job(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    assert outbox.take(1, now=10.0)[0].task_id == "j1"


def test_deliveries_go_out_once_the_longest_waiting_first(finish: Finish, outbox: Outbox) -> None:
    for seq, now in ((1, 12.0), (2, 11.0), (3, 10.0), (4, 99.0)):
        finish(seq, now)
    assert [delivery.job.job_id for delivery in outbox.take(2, now=12.0)] == ["j3", "j2"]
    assert [delivery.job.job_id for delivery in outbox.take(9, now=12.0)] == ["j1"]


def test_a_delivery_is_given_to_another_dispatcher_when_its_lease_ends(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (first,) = outbox.take(1, now=10.0)
    assert outbox.take(1, now=10.0 + LEASE_S - 0.1) == []
    (second,) = outbox.take(1, now=10.0 + LEASE_S)
    with pytest.raises(StaleLease):
        outbox.record(report(first, 1), now=71.0)
    assert only(outbox).messages_sent == 0
    outbox.record(report(second, 1), now=71.0)
    assert only(outbox).messages_sent == 1


def test_a_report_renews_the_lease(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 50, status=200), now=60.0)
    assert outbox.take(1, now=60.0 + LEASE_S - 0.1) == []
    assert (only(outbox).messages_sent, only(outbox).last_status, only(outbox).next_attempt_at) == (50, 200, None)


def test_a_report_may_be_repeated(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    for _ in range(2):
        outbox.record(report(delivery, 50), now=20.0)
    assert only(outbox).messages_sent == 50


def test_a_failed_attempt_is_repeated_when_it_is_due(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(
        report(delivery, 3, failed_attempts=2, retry_in_s=300.0, status=500, error="the receiver answered 500"), 20.0
    )
    assert only(outbox) == Delivery(
        kind="callback",
        url=CALLBACK,
        state=DeliveryState.PENDING,
        messages_sent=3,
        failed_attempts=2,
        next_attempt_at=320.0,
        last_status=500,
        last_error="the receiver answered 500",
    )
    assert outbox.take(1, now=319.0) == []
    (again,) = outbox.take(1, now=320.0)
    assert (again.position, again.failed_attempts) == (3, 2)


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.STOPPED])
def test_a_delivery_that_has_ended_is_never_due(finish: Finish, outbox: Outbox, state: DeliveryState) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 3, state=state), now=20.0)
    assert outbox.take(1, now=1e9) == []
    assert (only(outbox).state, only(outbox).next_attempt_at) == (state, None)


def test_a_report_about_a_job_that_is_gone_is_stale(journal: Journal, finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    journal.delete(["j1"])
    with pytest.raises(StaleLease):
        outbox.record(report(delivery, 1), now=11.0)


# -- again ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "position"), [(DeliveryState.DELIVERED, 0), (DeliveryState.FAILED, 3), (DeliveryState.STOPPED, 3)]
)
def test_again_repeats_what_was_delivered_and_goes_on_with_what_was_not(
    finish: Finish, outbox: Outbox, state: DeliveryState, position: int
) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 3, failed_attempts=10, state=state), now=20.0)
    for _ in range(2):  # a repeat changes nothing
        outbox.again("j1", now=30.0)
    (again,) = outbox.take(9, now=30.0)
    assert (again.position, again.failed_attempts) == (position, 0)


def test_again_brings_a_retry_forward(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 3, failed_attempts=5, retry_in_s=18_000.0), now=20.0)
    outbox.again("j1", now=30.0)
    (again,) = outbox.take(1, now=30.0)
    assert (again.position, again.failed_attempts) == (3, 0)


def test_again_leaves_alone_what_is_being_sent(finish: Finish, outbox: Outbox) -> None:
    finish(1)
    (delivery,) = outbox.take(1, now=10.0)
    outbox.record(report(delivery, 50), now=11.0)
    outbox.again("j1", now=12.0)
    assert outbox.take(1, now=12.0) == []
    outbox.record(report(delivery, 51), now=13.0)
    assert only(outbox).messages_sent == 51

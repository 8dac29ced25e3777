"""The journal's contract, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text
from structlog.testing import capture_logs

from actors.errors import StoreUnavailable
from actors.messages import Failure, FileOutcome, InputFile, JobOutcome, JobSpec
from actors.registry import schema
from actors.registry.journal import Journal, JournalConflict, JournalTaken, JournalUnusable
from actors.registry.lifecycle import ENDED, Event, State
from actors.registry.record import JobRecord, Save
from actors.sources import Source
from client.models import ErrorCode, ParseOptions, Progress
from tests.servers import PostgresServer

OUTCOME = JobOutcome(
    files=(
        FileOutcome(
            filename="ä.pdf",
            response="results/a/0/response",
            document=None,
            success=True,
            num_nodes=3,
            pages=2,
            processing_time_ms=1.5,
        ),
    ),
    progress=Progress(pages_total=2, pages_done=2, files_total=1, files_done=1),
)


@pytest.fixture
def open_journal(database_url: str) -> Iterator[Callable[[], Journal]]:
    """Opens the same database any number of times, each time as another process would."""
    opened: list[Journal] = []

    def open_() -> Journal:
        journal = Journal(database_url)
        opened.append(journal)
        journal.open()
        return journal

    yield open_
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Callable[[], Journal]) -> Journal:
    return open_journal()


@pytest.fixture
def sql(database_url: str) -> Iterator[Callable[..., Any]]:
    """Reads or changes the database without the journal."""
    engine = create_engine(database_url)

    def run(statement: str) -> list[Any]:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return list(result) if result.returns_rows else []

    yield run
    engine.dispose()


def queued(seq: int, **spec: Any) -> JobRecord:
    file = InputFile(
        filename="ä\x00\udcff.pdf",  # what a form may send
        blob="inputs/a/0",
        size=2**40,
        sha256="00",
        rejected=Failure(code=ErrorCode.EMPTY_FILE, message="empty"),
    )
    full = {
        "files": (file,),
        "options": ParseOptions(do_ocr=True, page_range=(2, 7)),
        "submitted_at": 1.25,
        "metadata": {"a": [1, {"b": None}], "é": "\x00"},
        **spec,
    }
    return JobRecord(spec=JobSpec(job_id=f"j{seq}", **full), seq=seq, state=State.QUEUED, version=2**33)


def running(job: JobRecord, lease: str = "7") -> JobRecord:
    return job.after(Event.CLAIM, lease=lease, dispatcher="d", attempts=job.attempts + 1, started_at=2.5)


def ended(job: JobRecord, at: float = 9.5) -> JobRecord:
    return job.after(Event.COMPLETE, outcome=OUTCOME, progress=OUTCOME.progress, ended_at=at, dispatcher=None)


def write_ended(journal: Journal, *jobs: JobRecord) -> None:
    """Write a job's changes in one step: all changes within one commit make one row."""
    for job in jobs:
        journal.write([Save(None, job), Save(job, running(job)), Save(running(job), ended(running(job), job.seq))])


# -- what is written is read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "move", [lambda job: job, running, lambda job: ended(running(job))], ids=["queued", "running", "ended"]
)
def test_a_job_reads_as_it_was_written(journal: Journal, move: Callable[[JobRecord], JobRecord]) -> None:
    job = move(
        queued(1, owner="me", idempotency_key="k\x00", task_id="t", callback_url="u", request_id="r", traceparent="t")
    )
    journal.write([Save(None, job)])
    assert journal.get(["j1", "unknown"]) == {"j1": job}


def test_a_start_finds_the_unfinished_jobs_in_order_of_submission(open_journal: Callable[[], Journal]) -> None:
    first = open_journal()
    two, one = queued(2), running(queued(1))
    first.write([Save(None, two), Save(None, one)])
    write_ended(first, queued(3))
    recovered = Journal.open(open_journal())
    assert recovered.unfinished == [one, two]
    assert recovered.last_seq == 3


def test_every_start_is_an_epoch(journal: Journal) -> None:
    assert journal.open().epoch + 1 == journal.open().epoch


def test_ids_that_no_database_would_read_are_unknown(journal: Journal) -> None:
    strange = ["\x00", "\udcff", "é", "'; --", ""]
    assert journal.get(strange) == {}
    assert journal.buried(strange) == {}


# -- guarded writes -------------------------------------------------------------------------------------------------


def test_a_write_under_another_lease_is_refused_and_nothing_of_it_stays(journal: Journal) -> None:
    held = running(queued(1))
    journal.write([Save(None, held)])
    stale = replace(held, lease="6")
    with pytest.raises(JournalConflict):
        journal.write([Save(None, queued(2)), Save(stale, ended(stale))])
    assert journal.get(["j1", "j2"]) == {"j1": held}


def test_what_has_ended_is_not_written_again(journal: Journal) -> None:
    job = running(queued(1))
    journal.write([Save(None, job), Save(job, ended(job))])
    with pytest.raises(JournalConflict):
        journal.write([Save(job, job.after(Event.FAIL))])
    assert journal.get(["j1"]) == {"j1": ended(job)}


def test_a_job_id_is_written_once(journal: Journal) -> None:
    journal.write([Save(None, queued(1))])
    with pytest.raises(StoreUnavailable):
        journal.write([Save(None, replace(queued(1), seq=2))])


def test_only_the_latest_registry_writes(open_journal: Callable[[], Journal]) -> None:
    old, new = open_journal(), open_journal()
    with pytest.raises(JournalTaken):
        old.write([Save(None, queued(1))])
    with pytest.raises(JournalTaken):
        old.open()
    new.write([Save(None, queued(1))])


# -- passwords ------------------------------------------------------------------------------------------------------


def test_a_password_is_kept_apart_and_erased_with_the_end(journal: Journal, sql: Callable[..., Any]) -> None:
    secret = SecretStr("open\x00sesame\udcff")
    job = queued(1, options=ParseOptions(password=secret))
    journal.write([Save(None, job)])
    assert journal.get(["j1"])["j1"].spec.options.password == secret
    [(spec, stored)] = sql("SELECT spec, password FROM docfleet_jobs")
    assert "sesame" not in spec
    assert "sesame" in stored
    journal.write([Save(job, job.after(Event.CANCEL))])
    assert [tuple(row) for row in sql("SELECT password FROM docfleet_jobs")] == [(None,)]
    assert journal.get(["j1"])["j1"].spec.options.password is None


def test_an_erased_password_is_not_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(f"sqlite:///{path}")
    journal.open()
    job = queued(1, options=ParseOptions(password=SecretStr("sesame")))
    journal.write([Save(None, job)])
    journal.write([Save(job, job.after(Event.CANCEL))])
    journal.close()
    assert [file.name for file in tmp_path.iterdir() if b"sesame" in file.read_bytes()] == []


def with_sources() -> JobRecord:
    headers = {"Authorization": "sesame"}
    files = (
        InputFile(filename="a.pdf", blob="inputs/j1/0", size=1, sha256="00"),
        *(
            InputFile(
                filename="b.pdf",
                blob=f"inputs/j1/{index}",
                size=0,
                sha256="",
                remote=True,
                source=Source(url=f"https://a.test/?key=sesame{index}", headers=headers, is_named=index == 1),
            )
            for index in (1, 2)
        ),
    )
    return queued(1, files=files)


def test_sources_are_kept_apart_and_erased_one_by_one(journal: Journal, sql: Callable[..., Any]) -> None:
    job = with_sources()
    journal.write([Save(None, job)])
    assert journal.get(["j1"])["j1"].spec == job.spec
    [(spec,)] = sql("SELECT spec FROM docfleet_jobs")
    assert "sesame" not in spec
    fetched = job.without_sources({1})
    journal.write([Save(job, fetched)])
    assert journal.get(["j1"])["j1"].spec == fetched.spec
    [(stored,)] = sql("SELECT sources FROM docfleet_jobs")
    assert ("sesame1" in stored, "sesame2" in stored) == (False, True)


def test_a_job_that_ends_leaves_no_source(journal: Journal, sql: Callable[..., Any]) -> None:
    job = with_sources()
    journal.write([Save(None, job)])
    journal.write([Save(job, job.after(Event.CANCEL))])
    assert [tuple(row) for row in sql("SELECT sources FROM docfleet_jobs")] == [(None,)]
    assert [file.remote for file in journal.get(["j1"])["j1"].spec.files] == [False, True, True]


def test_an_erased_source_is_not_left_in_the_file(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.open()
    job = with_sources()
    journal.write([Save(None, job)])
    journal.write([Save(job, job.without_sources({1, 2}))])
    journal.close()
    assert [file.name for file in tmp_path.iterdir() if b"sesame" in file.read_bytes()] == []


def test_an_error_shows_no_password(journal: Journal) -> None:
    job = queued(1, options=ParseOptions(password=SecretStr("sesame")))
    journal.write([Save(None, job)])
    with pytest.raises(StoreUnavailable) as failure:
        journal.write([Save(None, job)])
    assert "sesame" not in f"{failure.value!r} {failure.value.__cause__} {failure.value.__cause__!r}"


def test_where_a_database_is_that_does_not_answer_is_for_the_log_alone() -> None:
    away = Journal("postgresql+psycopg://docfleet@127.0.0.1:1/jobs")
    with capture_logs() as logs:
        for _ in range(2):  # one line, however many calls fail
            with pytest.raises(StoreUnavailable) as failure:
                away.open()
    away.close()
    assert "127.0.0.1" not in failure.value.message
    [entry] = logs
    assert entry["event"] == "journal_unavailable"
    assert "127.0.0.1" in entry["reason"]


def test_a_server_that_vanishes_under_a_statement_is_noticed_within_seconds(postgres: PostgresServer) -> None:
    """The kernel asks a silent server whether it is there, even where nothing is left to send."""
    url = postgres.new_database()
    journal = Journal(url)
    journal.open()
    asked = list(_silence_until_asked(make_url(url).port))
    journal.close()
    assert asked
    assert all(0 < seconds <= 10 for seconds in asked)


def _silence_until_asked(port: int | None) -> Iterator[int]:
    """For each connection of this process to `port`: the seconds of silence until the kernel asks; 0 for never."""
    for connection in psutil.Process().net_connections(kind="tcp"):
        if connection.raddr and connection.raddr.port == port:
            with socket.socket(fileno=os.dup(connection.fd)) as same:
                kept = same.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                yield kept and same.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


# -- look-ups -------------------------------------------------------------------------------------------------------


def test_keys_are_found_for_their_owner_whatever_they_hold(journal: Journal) -> None:
    mine, theirs = queued(1, owner="me", idempotency_key="k\x00"), queued(2, owner="you", idempotency_key="k\x00")
    journal.write([Save(None, mine), Save(None, theirs)])
    assert journal.find_keys([("me", "k\x00"), ("nobody", "k\x00")]) == {("me", "k\x00"): mine}


def test_a_list_is_the_owners_newest_first_and_goes_on_below(journal: Journal) -> None:
    jobs = [queued(seq, owner="me" if seq % 2 else "you") for seq in range(1, 10)]
    journal.write([Save(None, job) for job in jobs if job.seq < 6])
    write_ended(journal, *jobs[5:])
    states = list(State)
    assert [job.seq for job in journal.newest("me", states, 3, None)] == [9, 7, 5]
    assert [job.seq for job in journal.newest("me", states, 3, 5)] == [3, 1]
    assert [job.seq for job in journal.newest("me", [State.QUEUED], 9, None)] == [5, 3, 1]
    assert [job.seq for job in journal.newest("you", ENDED, 9, None)] == [8, 6]


def test_a_job_that_changes_its_state_while_the_list_is_read_is_in_it_once(journal: Journal) -> None:
    waiting = queued(1, owner="me")
    journal.write([Save(None, waiting)])
    done = threading.Event()

    def come_and_go() -> None:
        before = waiting
        while not done.is_set():
            after = before.changed(state=State.RUNNING if before.state is State.QUEUED else State.QUEUED)
            journal.write([Save(before, after)])
            before = after

    with ThreadPoolExecutor(1) as writer:
        going = writer.submit(come_and_go)
        try:
            counts = {len(journal.newest("me", list(State), 9, None)) for _ in range(200)}
        finally:
            done.set()
        going.result()
    assert counts == {1}


# -- time to live ---------------------------------------------------------------------------------------------------


def test_expired_jobs_are_named_oldest_first(journal: Journal) -> None:
    write_ended(journal, *(queued(seq) for seq in (3, 1, 2, 4)))  # each ends at its seq
    journal.write([Save(None, queued(5))])
    assert journal.expired(before=4, limit=2) == ["j1", "j2"]
    assert journal.expired(before=4, limit=9) == ["j1", "j2", "j3"]


def test_buried_jobs_are_gone_and_remembered_for_a_while(journal: Journal) -> None:
    write_ended(journal, queued(1, owner="me"), queued(2))
    journal.bury(["j1", "unknown"], now=50)
    assert set(journal.get(["j1", "j2"])) == {"j2"}
    assert journal.buried(["j1", "j2", "unknown"]) == {"j1": "me"}
    journal.forget_buried(before=50)
    assert journal.buried(["j1"]) == {"j1": "me"}
    journal.forget_buried(before=51)
    assert journal.buried(["j1"]) == {}


def test_burying_twice_is_the_same_as_once(journal: Journal) -> None:
    write_ended(journal, queued(1))
    journal.bury(["j1"], now=50)
    journal.bury(["j1"], now=60)
    assert journal.buried(["j1"]) == {"j1": ""}


def test_deleted_jobs_leave_no_trace(journal: Journal) -> None:
    write_ended(journal, queued(1))
    journal.delete(["j1"])
    assert journal.get(["j1"]) == {}
    assert journal.buried(["j1"]) == {}


def test_unfinished_jobs_are_neither_buried_nor_deleted(journal: Journal) -> None:
    journal.write([Save(None, queued(1)), Save(None, running(queued(2)))])
    journal.bury(["j1", "j2"], now=50)
    journal.delete(["j1", "j2"])
    assert set(journal.get(["j1", "j2"])) == {"j1", "j2"}


# -- the schema -----------------------------------------------------------------------------------------------------


def test_an_older_schema_is_brought_up_to_date_with_its_jobs(
    journal: Journal, open_journal: Callable[[], Journal], sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write([Save(None, queued(1))])
    released = schema.current_version()

    def step(connection: Any) -> None:
        connection.execute(text("CREATE TABLE added (x INTEGER)"))

    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, step])
    for _ in range(2):  # the second start has nothing left to do
        assert set(open_journal().get(["j1"])) == {"j1"}
    assert sql("SELECT x FROM added") == []
    assert [tuple(row) for row in sql("SELECT schema_version FROM docfleet_journal")] == [(released + 1,)]


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    journal: Journal, database_url: str, sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    released = schema.current_version()

    def half(connection: Any) -> None:
        connection.execute(text("CREATE TABLE added (x INTEGER)"))
        connection.execute(text("INSERT INTO missing VALUES (1)"))

    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, half])
    with pytest.raises(JournalUnusable):
        Journal(database_url).open()
    assert [tuple(row) for row in sql("SELECT schema_version FROM docfleet_journal")] == [(released,)]


def test_a_newer_schema_is_refused(journal: Journal, database_url: str, sql: Callable[..., Any]) -> None:
    sql("UPDATE docfleet_journal SET schema_version = 99")
    with pytest.raises(JournalUnusable, match=r"schema version 99, but this release knows versions up to \d+"):
        Journal(database_url).open()


def test_foreign_tables_are_not_taken_for_a_journal(database_url: str, sql: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    sql("CREATE TABLE docfleet_jobs (something INTEGER)")
    with pytest.raises(JournalUnusable, match="already exists"):
        Journal(database_url).open()


def test_a_row_that_nobody_understands_stops_the_start(
    journal: Journal, database_url: str, sql: Callable[..., Any]
) -> None:
    journal.write([Save(None, queued(1))])
    sql("UPDATE docfleet_jobs SET spec = '{}'")
    with pytest.raises(JournalUnusable, match="the row of job j1 is damaged"):
        Journal(database_url).open()


@pytest.mark.parametrize("content", [b"", b"this is no database " * 100], ids=["empty", "garbage"])
def test_a_file_that_is_no_journal_stops_the_start_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(JournalUnusable, match=str(path)):
        Journal(f"sqlite:///{path}").open()
    assert path.read_bytes() == content


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "gone"])
def test_a_log_without_its_journal_stops_the_start_and_stays_as_it_is(tmp_path: Path, *, is_empty: bool) -> None:
    """As when only a part of a folder was restored: SQLite would throw the log away, with the jobs in it."""
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    log.write_bytes(b"jobs")
    if is_empty:
        path.touch()
    with pytest.raises(JournalUnusable, match=f"its log {log} is there; restore the file"):
        Journal(f"sqlite:///{path}").open()
    assert (path.exists(), log.read_bytes()) == (is_empty, b"jobs")


def test_no_new_file_takes_the_place_of_a_journal_that_went_away(tmp_path: Path) -> None:
    """As when a volume is not mounted for a while."""
    folder, aside = tmp_path / "volume", tmp_path / "aside"
    journal = Journal(f"sqlite:///{folder}/journal.db")
    journal.open()
    journal.write([Save(None, queued(1))])
    folder.rename(aside)
    for remains in (False, True):
        if remains:
            folder.mkdir()
        with pytest.raises(JournalUnusable, match="No such file"):
            journal.open()
        assert folder.exists() == remains
    folder.rmdir()
    aside.rename(folder)
    assert [job.job_id for job in journal.open().unfinished] == ["j1"]
    journal.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_journal_is_not_kept_in_memory(url: str) -> None:
    with pytest.raises(JournalUnusable, match="does not survive a restart"):
        Journal(url).open()


def test_a_journal_file_is_for_its_owners_eyes(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(f"sqlite:///{path}")
    journal.open()
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
    journal.close()


# -- several registries ---------------------------------------------------------------------------------------------


def test_each_shard_of_a_database_has_a_journal_of_its_own(database_url: str) -> None:
    shards = [Journal(database_url, number) for number in range(3)]
    try:
        for number, shard in enumerate(shards):
            assert shard.open().unfinished == []
            shard.write([Save(None, queued(number + 1))])
        again = [Journal(database_url, number) for number in range(3)]
        shards += again
        assert [[job.job_id for job in shard.open().unfinished] for shard in again] == [["j1"], ["j2"], ["j3"]]
    finally:
        for shard in shards:
            shard.close()


def test_the_first_shard_goes_on_with_the_journal_that_was_there(journal: Journal, database_url: str) -> None:
    journal.write([Save(None, queued(7))])
    first = Journal(database_url, 0)
    assert [job.job_id for job in first.open().unfinished] == ["j7"]
    first.close()

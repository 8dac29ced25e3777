"""The registry's durable state: one table of jobs in SQLite or PostgreSQL.

Synchronous; one thread writes while others read. Raises StoreUnavailable while the database cannot be reached or is
full, JournalTaken once another registry has taken the journal over, and JournalUnusable when an operator must act.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BindParameter,
    Connection,
    CursorResult,
    Engine,
    RowMapping,
    Select,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from actors.errors import StoreUnavailable
from actors.registry.lifecycle import ENDED, UNFINISHED, State
from actors.registry.record import JobRecord, Recovered, Save
from actors.registry.rows import from_row, key_digest, secrets_of, to_deliver, to_insert, to_update
from actors.registry.schema import SchemaMismatch, deliveries, jobs, journal, prepare, tombstones
from actors.registry.sqlite_file import prepare_file
from actors.telemetry.logs import get_logger
from actors.telemetry.retries import OnceAMinute

log = get_logger()

_CHANGE = update(jobs).where(
    jobs.c.seq == bindparam("was_seq"),
    jobs.c.state == bindparam("was_state"),
    jobs.c.lease.is_not_distinct_from(bindparam("was_lease")),
)
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_UNFINISHED = select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.seq)
_BY_ID = select(jobs).where(jobs.c.job_id.in_(_IDS))
_BY_KEY = select(jobs).where(jobs.c.idempotency.in_(_IDS))
_BURIED = select(tombstones.c.job_id, tombstones.c.owner).where(tombstones.c.job_id.in_(_IDS))
_EXPIRED = (
    select(jobs.c.job_id)
    .where(jobs.c.ended_at < bindparam("before"))
    .order_by(jobs.c.ended_at)
    .limit(bindparam("count"))
)
_ENDED_OF = select(jobs.c.job_id, jobs.c.owner).where(jobs.c.job_id.in_(_IDS), jobs.c.state.in_(ENDED))
_REMOVE = delete(jobs).where(jobs.c.job_id.in_(_IDS))
_DROP_DELIVERIES = delete(deliveries).where(deliveries.c.job_id.in_(_IDS))
_IDENTITY = select(journal.c.journal_id)
_HOLDER = select(journal.c.holder).with_for_update(read=True)

#: Detects a vanished server within seconds. By default, a statement that the server has received waits for hours.
#: `tcp_user_timeout` is in ms, the others are in seconds.
_NO_ENDLESS_WAIT = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
}


class JournalUnusable(Exception):
    """The journal cannot be used. Starting without it would lose every job in it, so the registry does not start."""


class JournalTaken(StoreUnavailable):
    """Another registry has taken this journal over: this one must stop."""


class JournalConflict(Exception):
    """A row was not in the state that the ledger expected; nothing was written."""


class Journal:
    """One registry's access to the journal. Call `open` first.

    The registries of a service have a journal each: the first one has the database at `url`. The one with the number
    `shard` has a file beside it, or a schema of its own in PostgreSQL.
    """

    def __init__(self, url: str, shard: int = 0) -> None:
        self.shard = shard
        self._url = location_of(url, shard)
        self._schema = f"docfleet_{shard}" if shard and not self._is_sqlite else None
        self._me = uuid.uuid4().hex
        self._holding = False
        self._outages = OnceAMinute()
        # Parameters may hold passwords and headers, so errors must not print them.
        engine = partial(create_engine, self._url, hide_parameters=True, pool_pre_ping=not self._is_sqlite)
        if self._url.get_backend_name() == "postgresql":
            engine = partial(engine, connect_args={**_NO_ENDLESS_WAIT, **self._url.query})
        self._writes = engine()
        self._reads = engine(isolation_level="AUTOCOMMIT")
        if self._is_sqlite:
            _configure_sqlite(self._writes)
        if self._schema:
            _look_in(self._schema, self._writes, self._reads)

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    # -- start --------------------------------------------------------------------------------------------------

    def open(self) -> Recovered:
        """Become the only registry that writes here, and read the unfinished jobs.

        Call it again after a failed write. Raises JournalUnusable, StoreUnavailable, and JournalTaken when another
        registry has taken over since the first call.
        """
        begun = self._holding
        try:
            if self._is_sqlite:
                prepare_file(self._url.database, is_known=begun)
            with self._writes.begin() as connection:
                prepare(connection, self._schema)
                epoch = self._take(connection)
            self._holding = True
            with self._reads.connect() as connection:
                last_seq = connection.execute(select(func.max(jobs.c.seq))).scalar_one() or 0
                unfinished = [from_row(row) for row in connection.execute(_UNFINISHED).mappings()]
        except (SQLAlchemyError, SchemaMismatch, ValueError, OSError) as error:
            if _may_pass(error):
                raise self._unavailable(error) from error
            if not begun:  # after the first call, readers are using the connections
                self.close()
            where = self._url.render_as_string(hide_password=True)
            raise JournalUnusable(f"The job journal {where} cannot be used: {_cause(error)}") from error
        return Recovered(epoch=epoch, last_seq=last_seq, unfinished=unfinished)

    def _take(self, connection: Connection) -> int:
        row = connection.execute(select(journal.c.holder, journal.c.epoch).with_for_update()).one()
        if self._holding and row.holder != self._me:
            raise JournalTaken("another registry has taken the journal over")
        epoch = int(row.epoch) + 1
        connection.execute(update(journal).values(holder=self._me, epoch=epoch))
        return epoch

    def close(self) -> None:
        self._writes.dispose()
        self._reads.dispose()

    # -- writes -------------------------------------------------------------------------------------------------

    def write(self, changes: Iterable[Save]) -> None:
        """Make all changes durable, or none. The end of a job also adds its deliveries.

        Several changes to one job become one. Raises JournalConflict when a job's row does not match its `before`.
        """
        merged: dict[str, Save] = {}
        for change in changes:
            job_id = change.after.job_id
            merged[job_id] = Save(merged[job_id].before, change.after) if job_id in merged else change
        new = [to_insert(save.after) for save in merged.values() if save.before is None]
        old = [to_update(save.before, save.after) for save in merged.values() if save.before is not None]
        due = [row for save in merged.values() for row in to_deliver(save.after)]
        with self.transaction() as connection:
            if new:
                connection.execute(insert(jobs), new)
            if old and connection.execute(_CHANGE, old).rowcount != len(old):
                raise JournalConflict("a job's row was changed by another process")
            if due:
                connection.execute(insert(deliveries), due)
        if self._is_sqlite and any(save.before and _erases(save.before, save.after) for save in merged.values()):
            self._truncate_log()

    def _truncate_log(self) -> None:
        """Empty SQLite's log, which still holds data of rows that are gone. If a reader blocks this, the next call does
        it."""
        with self._reads.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def bury(self, job_ids: Sequence[str], now: float) -> None:
        """Remove ended jobs and leave tombstones. Unfinished and unknown jobs are skipped."""
        with self.transaction() as connection:
            if ended := self._remove(connection, job_ids):
                connection.execute(delete(tombstones).where(tombstones.c.job_id.in_(ended)))
                rows = [{"job_id": job_id, "owner": owner, "buried_at": now} for job_id, owner in ended.items()]
                connection.execute(insert(tombstones), rows)

    def delete(self, job_ids: Sequence[str]) -> None:
        """Remove ended jobs without a trace. Unfinished and unknown jobs are skipped."""
        with self.transaction() as connection:
            self._remove(connection, job_ids)

    def _remove(self, connection: Connection, job_ids: Sequence[str]) -> dict[str, str]:
        """Remove those of the jobs that have ended. Returns their owners by job id."""
        ended = {row.job_id: row.owner for row in connection.execute(_ENDED_OF, {"ids": _sane(job_ids)})}
        connection.execute(_REMOVE, {"ids": list(ended)})
        connection.execute(_DROP_DELIVERIES, {"ids": list(ended)})
        return ended

    def forget_buried(self, before: float) -> None:
        """Remove tombstones that are older than `before` (Unix seconds)."""
        with self.transaction() as connection:
            connection.execute(delete(tombstones).where(tombstones.c.buried_at < before))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction. Raises JournalTaken when another registry has taken the journal over."""
        try:
            with self._writes.begin() as connection:
                if connection.execute(_HOLDER).scalar_one() != self._me:
                    raise JournalTaken("another registry has taken the journal over")
                yield connection
        except SQLAlchemyError as error:
            raise self._unavailable(error) from error

    # -- reads --------------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """The id of this journal, which never changes and which no other has."""
        [row] = self.rows(_IDENTITY, {})
        return str(row["journal_id"])

    def get(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """The jobs that exist, by id."""
        return {job.job_id: job for job in self._jobs(_BY_ID, {"ids": _sane(job_ids)})}

    def find_keys(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], JobRecord]:
        """The jobs that were submitted under these (owner, idempotency key) pairs."""
        found = self._jobs(_BY_KEY, {"ids": [key_digest(owner, key) for owner, key in keys]})
        return {(job.spec.owner, job.spec.idempotency_key or ""): job for job in found}

    def newest(self, owner: str, states: Sequence[State], limit: int, below: int | None) -> list[JobRecord]:
        """An owner's jobs in these states, newest first, starting below the sequence number `below`."""
        bounds = {"owner": owner, "below": 2**62 if below is None else below, "count": limit}
        return self._jobs(_newest(tuple(states)), bounds)

    def expired(self, before: float, limit: int) -> list[str]:
        """Ids of jobs that ended before that time (Unix seconds), oldest first."""
        return [row["job_id"] for row in self.rows(_EXPIRED, {"before": before, "count": limit})]

    def buried(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The owners of those jobs that have expired and left a tombstone, by job id."""
        return {row["job_id"]: row["owner"] for row in self.rows(_BURIED, {"ids": _sane(job_ids)})}

    def _jobs(self, query: Any, bounds: Mapping[str, Any]) -> list[JobRecord]:
        return [from_row(row) for row in self.rows(query, bounds)]

    def rows(self, query: Any, bounds: Mapping[str, Any]) -> Sequence[RowMapping]:
        """The rows that `query` finds."""
        try:
            with self._reads.connect() as connection:
                result: CursorResult[Any] = connection.execute(query, bounds)
                return result.mappings().all()
        except SQLAlchemyError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        """Any caller of the API may see this error, so the database's own message, with its address, is only logged."""
        if self._outages.is_due(reason := _cause(error)):
            log.warning("journal_unavailable", reason=reason)
        return StoreUnavailable("The job journal cannot be reached at present; please try again")


@cache
def _newest(states: tuple[State, ...]) -> Select[Any]:
    """One index look-up per state: a search over all states would sort every job. One statement, so that all look-ups
    see the same moment, and a job that changes its state meanwhile is found once."""
    count: BindParameter[int] = bindparam("count")
    of_owner = (jobs.c.owner == bindparam("owner"), jobs.c.seq < bindparam("below"))
    newest_first = select(jobs).where(*of_owner).order_by(jobs.c.seq.desc()).limit(count)
    by_state = (newest_first.where(jobs.c.state == state.value).subquery() for state in states)
    found = union_all(*map(select, by_state)).subquery()
    return select(found).order_by(found.c.seq.desc()).limit(count)


def location_of(url: str, shard: int) -> URL:
    """The database of a shard: with SQLite, a file of its own beside that of the first shard."""
    made = make_url(url)
    if not shard or made.get_backend_name() != "sqlite":
        return made
    path = Path(made.database or "")
    return made.set(database=str(path.with_stem(f"{path.stem}-{shard}")))


def _look_in(schema: str, *engines: Engine) -> None:
    """Make every connection look for the tables in `schema` alone."""

    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"SET search_path TO {schema}")
        connection.commit()

    for engine in engines:
        event.listen(engine, "connect", on_connect, insert=True)


def _sane(job_ids: Sequence[str]) -> list[str]:
    """Ids that may exist. Others may hold characters that a database refuses."""
    return [job_id for job_id in job_ids if job_id.isascii() and job_id.isprintable()]


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself: see below
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit survives a crash of the machine, not just ours
        connection.execute("PRAGMA secure_delete = ON")  # an erased password is overwritten

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # lock now, so that what was read still holds at the write


def _may_pass(error: Exception) -> bool:
    """Whether the error may pass by itself."""
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlite_errorname", None)
    if code is None:
        return isinstance(error, OperationalError)  # PostgreSQL: cannot connect, or the connection broke
    return str(code).startswith(("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_LOCKED"))


def _cause(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).strip()


def _erases(before: JobRecord, after: JobRecord) -> bool:
    """Whether this change erases a secret."""
    left = secrets_of(after)
    return any(secret is not None and secret != left[name] for name, secret in secrets_of(before).items())

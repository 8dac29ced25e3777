"""The journal's tables, the same on SQLite and PostgreSQL, and how an older journal becomes a newer one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    update,
)

metadata = MetaData()

jobs = Table(
    "docfleet_jobs",
    metadata,
    # SQLite keeps a table in the order of an INTEGER key, so new jobs are appended.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("job_id", String, nullable=False, unique=True),
    Column("owner", String, nullable=False),
    Column("idempotency", String(64), unique=True),  # a digest of owner and key: any key will do
    Column("state", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("lease", String),
    Column("dispatcher", String),
    Column("cancel_requested", Boolean, nullable=False),
    Column("spec", Text, nullable=False),  # JSON in ASCII; never a password
    Column("password", Text),  # a JSON string; NULL as soon as the job has ended
    Column("outcome", Text),  # JSON in ASCII
    # Serves a start (the unfinished states, whatever the owner) and lists (an owner's newest in one state).
    Index("docfleet_jobs_by_state", "state", "owner", "seq"),
    Index("docfleet_jobs_by_end", "ended_at"),
)

#: What is to be sent about ended jobs. A pending row is due at `due_at`; while a dispatcher works on it, that is when
#: its lease ends.
deliveries = Table(
    "docfleet_deliveries",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("position", Integer, nullable=False),  # messages that were acknowledged
    Column("failed_attempts", Integer, nullable=False),  # since then
    Column("due_at", Double, nullable=False),
    Column("lease", String),
    Column("last_status", Integer),
    Column("last_error", Text),
    Index("docfleet_deliveries_by_due", "state", "due_at"),
)

#: Jobs that were removed: they answer "expired" for a while, before they are unknown.
tombstones = Table(
    "docfleet_tombstones",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("buried_at", Double, nullable=False, index=True),
    Column("owner", String, nullable=False),
)

#: One row. `holder` is the registry that may write, `epoch` counts the times that one began to.
journal = Table(
    "docfleet_journal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)


def _add_deliveries(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TABLE docfleet_deliveries ("
        " job_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, state VARCHAR NOT NULL, position INTEGER NOT NULL,"
        " failed_attempts INTEGER NOT NULL, due_at DOUBLE PRECISION NOT NULL, lease VARCHAR, last_status INTEGER,"
        " last_error TEXT, PRIMARY KEY (job_id, kind))"
    )
    connection.exec_driver_sql("CREATE INDEX docfleet_deliveries_by_due ON docfleet_deliveries (state, due_at)")


def _add_owner_of_tombstones(connection: Connection) -> None:
    """Whose the older ones were is not known: with API keys they are nobody's, and without everybody's as before."""
    connection.exec_driver_sql("ALTER TABLE docfleet_tombstones ADD COLUMN owner VARCHAR NOT NULL DEFAULT ''")


#: Step n leads from version n + 1 to n + 2. Append only: a step that was released is never changed, and so says in
#: SQL of its own what it makes, whatever becomes of the tables above.
MIGRATIONS: list[Callable[[Connection], None]] = [_add_deliveries, _add_owner_of_tombstones]


class SchemaMismatch(Exception):
    """The database holds something that this code must not touch."""


def current_version() -> int:
    """The schema that this code works with."""
    return 1 + len(MIGRATIONS)


def prepare(connection: Connection) -> None:
    """Make the tables in an empty database, or bring those of an older version up to date.

    Raises SchemaMismatch for a newer version, and an SQLAlchemyError when the names are taken by foreign tables.
    """
    if not inspect(connection).has_table(journal.name):
        metadata.create_all(connection, checkfirst=False)
        row = {"id": 1, "schema_version": current_version(), "holder": "", "epoch": 0}
        connection.execute(journal.insert(), row)
        return
    found = connection.execute(select(journal.c.schema_version)).scalar_one_or_none()
    if found is None or found > current_version():
        raise SchemaMismatch(f"it has schema version {found}, and this code knows versions up to {current_version()}")
    for step in MIGRATIONS[found - 1 :]:
        step(connection)
    connection.execute(update(journal).values(schema_version=current_version()))

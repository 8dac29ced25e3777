"""The journal's tables, the same on SQLite and PostgreSQL, and the migrations between their versions."""

from __future__ import annotations

import uuid
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
from sqlalchemy.schema import CreateSchema

metadata = MetaData()

jobs = Table(
    "docfleet_jobs",
    metadata,
    # SQLite keeps a table in the order of an INTEGER key, so new jobs are appended.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("job_id", String, nullable=False, unique=True),
    Column("owner", String, nullable=False),
    Column("idempotency", String(64), unique=True),  # a digest of owner and key, so any key fits
    Column("state", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("lease", String),
    Column("dispatcher", String),
    Column("cancel_requested", Boolean, nullable=False),
    Column("spec", Text, nullable=False),  # JSON in ASCII; never a secret
    Column("password", Text),  # a JSON string; NULL once the job has ended
    Column("sources", Text),  # JSON in ASCII: the sources that are not fetched yet, with their headers
    Column("outcome", Text),  # JSON in ASCII
    # For a start (all unfinished jobs) and for lists (an owner's newest jobs in one state).
    Index("docfleet_jobs_by_state", "state", "owner", "seq"),
    Index("docfleet_jobs_by_end", "ended_at"),
)

#: Notifications about ended jobs. A pending row is due at `due_at`. While a dispatcher works on it, `due_at` is the end
#: of the lease, so an abandoned delivery becomes due again.
deliveries = Table(
    "docfleet_deliveries",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("position", Integer, nullable=False),  # number of acknowledged messages
    Column("failed_attempts", Integer, nullable=False),  # since the last acknowledged message
    Column("due_at", Double, nullable=False),
    Column("lease", String),
    Column("last_status", Integer),
    Column("last_error", Text),
    Index("docfleet_deliveries_by_due", "state", "due_at"),
)

#: Removed jobs: they are reported as expired for a while, and then as unknown.
tombstones = Table(
    "docfleet_tombstones",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("buried_at", Double, nullable=False, index=True),
    Column("owner", String, nullable=False),
)

#: One row. `holder` is the registry that may write; `epoch` is incremented at each takeover. A copy of the journal has
#: its `journal_id`.
journal = Table(
    "docfleet_journal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("journal_id", String, nullable=False),
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
    """The owners of older tombstones are unknown. They get the owner "", as every caller has on a server without API
    keys. With API keys, no caller sees them."""
    connection.exec_driver_sql("ALTER TABLE docfleet_tombstones ADD COLUMN owner VARCHAR NOT NULL DEFAULT ''")


def _add_sources(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE docfleet_jobs ADD COLUMN sources TEXT")


def _add_journal_id(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE docfleet_journal ADD COLUMN journal_id VARCHAR NOT NULL DEFAULT ''")
    connection.exec_driver_sql(f"UPDATE docfleet_journal SET journal_id = '{uuid.uuid4().hex}'")


#: Step n migrates from version n + 1 to n + 2. Append only: a released step never changes. That is why each step has
#: its own SQL and does not use the tables above, which do change.
MIGRATIONS: list[Callable[[Connection], None]] = [
    _add_deliveries,
    _add_owner_of_tombstones,
    _add_sources,
    _add_journal_id,
]


class SchemaMismatch(Exception):
    """The database has a schema that this code does not know and must not touch."""


def current_version() -> int:
    """The schema that this code works with."""
    return 1 + len(MIGRATIONS)


def prepare(connection: Connection, schema: str | None = None) -> None:
    """Create the tables in an empty database, or migrate those of an older version. They lie in `schema`, which is
    created too, or else where the connection looks first.

    Raises SchemaMismatch for a newer version, and SQLAlchemyError when other tables already use these names.
    """
    if schema:
        connection.execute(CreateSchema(schema, if_not_exists=True))
    if not inspect(connection).has_table(journal.name, schema=schema):
        metadata.create_all(connection, checkfirst=False)
        journal_id = uuid.uuid4().hex
        row = {"id": 1, "schema_version": current_version(), "holder": "", "epoch": 0, "journal_id": journal_id}
        connection.execute(journal.insert(), row)
        return
    found = connection.execute(select(journal.c.schema_version)).scalar_one_or_none()
    if found is None or found > current_version():
        raise SchemaMismatch(
            f"it has schema version {found}, but this release knows versions up to {current_version()}; "
            "run the release that wrote it, or a newer one"
        )
    for step in MIGRATIONS[found - 1 :]:
        step(connection)
    connection.execute(update(journal).values(schema_version=current_version()))

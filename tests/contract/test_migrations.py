"""A journal of an older release is migrated to the current schema, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from actors.messages import InputFile, JobSpec
from actors.registry import schema
from actors.registry.journal import Journal
from actors.registry.lifecycle import State
from actors.registry.record import JobRecord, Save
from client.models import ParseOptions

#: What undoes the step to each version.
UNDO = {
    5: "ALTER TABLE docfleet_journal DROP COLUMN journal_id",
    4: "ALTER TABLE docfleet_jobs DROP COLUMN sources",
    3: "ALTER TABLE docfleet_tombstones DROP COLUMN owner",
    2: "DROP TABLE docfleet_deliveries",
}

OLD_TOMBSTONE = "INSERT INTO docfleet_tombstones (job_id, buried_at) VALUES ('gone', 1.0)"
TOMBSTONE = "INSERT INTO docfleet_tombstones (job_id, buried_at, owner) VALUES ('gone', 1.0, '')"


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def queued() -> JobRecord:
    file = InputFile(filename="a.pdf", blob="inputs/j1/0", size=1, sha256="00")
    spec = JobSpec(
        job_id="j1", files=(file,), options=ParseOptions(), submitted_at=1.0, callback_url="http://a.example"
    )
    return JobRecord(spec=spec, seq=1, state=State.QUEUED, version=2**33)


def shape_of(database: Engine) -> dict[str, Any]:
    """Every table as the database describes it, without the order of columns."""
    seen = inspect(database)
    return {
        table: {
            "columns": {
                column["name"]: (column["type"].python_type, column["nullable"]) for column in seen.get_columns(table)
            },
            "indexes": {index["name"]: index["column_names"] for index in seen.get_indexes(table)},
            "key": seen.get_pk_constraint(table)["constrained_columns"],
        }
        for table in sorted(seen.get_table_names())
    }


def rewind(connection: Connection, version: int) -> None:
    for step in range(schema.current_version(), version, -1):
        connection.execute(text(UNDO[step]))
    connection.execute(text(f"UPDATE docfleet_journal SET schema_version = {version}"))


@pytest.mark.parametrize("version", range(1, schema.current_version()))
def test_an_older_journal_becomes_what_a_new_one_is(database_url: str, database: Engine, version: int) -> None:
    old = Journal(database_url)
    old.open()
    old.write([Save(None, queued())])
    old.close()
    made_new = shape_of(database)
    with database.begin() as connection:
        rewind(connection, version)
        connection.execute(text(OLD_TOMBSTONE if version < 3 else TOMBSTONE))
    assert shape_of(database) != made_new
    new = Journal(database_url)
    assert [job.job_id for job in new.open().unfinished] == ["j1"]
    assert shape_of(database) == made_new
    assert new.buried(["gone"]) == {"gone": ""}
    new.close()

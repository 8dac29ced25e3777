"""The file of a journal in SQLite, before SQLite opens it."""

from __future__ import annotations

from pathlib import Path


def prepare_file(database: str | None, *, is_known: bool) -> None:
    """Create a missing file, readable by its owner only.

    Raises ValueError for a file that cannot hold a journal. Raises FileNotFoundError when a known file is gone, for
    example because its volume is not mounted: a new file would take the place of the real one.
    """
    if not database or database == ":memory:":
        raise ValueError("a database in memory does not survive a restart; give the path of a file")
    path = Path(database)
    if is_known:
        path.stat()
    path.parent.mkdir(parents=True, exist_ok=True)
    log_file = path.with_name(path.name + "-wal")
    is_empty = path.exists() and path.stat().st_size == 0
    if log_file.exists() and (is_empty or not path.exists()):  # SQLite would throw the jobs in the log away
        raise ValueError(
            f"the file is gone or empty, but its log {log_file} is there; restore the file, or remove the log to start "
            "with no jobs"
        )
    if is_empty:
        raise ValueError("the file is empty; remove it to start with no jobs")
    if not path.exists():
        path.touch(mode=0o600)

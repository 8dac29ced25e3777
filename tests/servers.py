"""Real servers that tests start and stop: PostgreSQL, and one that speaks S3."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from serve_app.__main__ import free_port


def _binaries() -> Path | None:
    """Where PostgreSQL's server programs are; Debian keeps them off the PATH."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), None)


class PostgresServer:
    """One server in a folder; it can be stopped and started again on the same port."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        # The server refuses to be root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._port = free_port()
        self._run("initdb", "--auth=trust", "--username=tests", "--encoding=UTF8", "--no-locale", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tests@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "--log", str(self._folder / "log"), "--options", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name).replace("postgresql:", "postgresql+psycopg:")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments, "--pgdata", str(self._folder / "data")]
        # Its output is not ours to keep open: the server inherits it and outlives the command.
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server of our own over TCP, gone afterwards. Where its programs are not installed, the test is skipped; but it
    fails in continuous integration, which would else pass without half of the journal's contract."""
    binaries = _binaries()
    if binaries is None:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end("PostgreSQL's server programs are not installed (Debian's package postgresql)")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(binaries, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def running_s3() -> Iterator[str]:
    """The URL of a server that speaks S3, on a port of its own choice."""
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        address = next(found for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        yield address.group()
    finally:
        server.terminate()
        server.communicate()

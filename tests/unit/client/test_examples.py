"""The examples of the clients run as they stand; only the server is not the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.client.conftest import Server

ROOT = Path(__file__).parents[3]
PROGRAMS = ["async_job_example.py", "blocking_parse.py", "many_files.py", "submit_and_wait.py", "submit_poll.py"]


def run(server: Server, *command: str) -> str:
    environment = {**os.environ, "DOCFLEET_URL": server.url, "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_example_runs(server: Server, program: str) -> None:
    assert "1 nodes" in run(server, sys.executable, f"examples/{program}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_example_finds_its_way_by_the_servers_answers(server: Server) -> None:
    assert run(server, "sh", "examples/curl.sh").startswith("job: /jobs/j0\n")

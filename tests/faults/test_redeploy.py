"""A deployment of new code while jobs run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_churn import TRANSIENT


@pytest.mark.slow
def test_no_job_is_lost_when_other_code_is_deployed_and_the_registry_runs_it(short_folder: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_SERVE_")}
    command = [sys.executable, "-m", "tests.faults.redeploy", str(short_folder / "redeploy")]
    no_token = {"RAY_AUTH_MODE": "disabled"}  # a head node asks for one otherwise, and nothing is at stake here
    done = subprocess.run(command, env=inherited | no_token, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))  # Ray prints, too
    print(f"{found['jobs']} jobs, done {found['seconds']} s after the deployment; clients saw {found['seen']}")
    assert len(found["ends"]) == found["jobs"]
    assert all(first == second and first.startswith("completed 4/4") for first, second in found["ends"])
    before, after = found["replaced"]
    assert before != after
    assert after.partition("-")[0] == found["expected"]
    assert set(found["seen"]) <= TRANSIENT
    assert found["deadline_changed"]
    assert found["kept"], "a changed user_config started processes anew"

"""A worker node that goes without a word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.node_loss import JOBS, PAGES


@pytest.mark.slow
def test_no_page_is_lost_with_a_node_whose_parser_was_at_work(short_folder: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_SERVE_")}
    command = [sys.executable, "-m", "tests.faults.node_loss", str(short_folder / "nodes")]
    done = subprocess.run(command, env=inherited, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))  # Ray prints, too
    print(f"{JOBS} jobs of {PAGES} pages, done {found['seconds']} s after one of two worker nodes was removed")
    assert found["pages"] == [list(range(1, PAGES + 1))] * JOBS

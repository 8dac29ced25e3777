"""A program that a file makes run for ever ends before its parser would."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from actors.errors import FileError
from actors.parser.child_processes import ended_before
from client.models import ErrorCode

FOR_EVER = [sys.executable, "-c", "import time; time.sleep(600)"]
STARTS_ANOTHER = [
    *(sys.executable, "-c"),
    f"import subprocess, time; print(subprocess.Popen({FOR_EVER}).pid, flush=True); time.sleep(600)",
]


def run(command: list[str]) -> None:
    """Run a program in a session of its own, as docling runs LibreOffice."""
    subprocess.run(command, check=True, start_new_session=True)


def test_a_program_that_does_not_end_is_ended_and_the_file_fails() -> None:
    with pytest.raises(FileError, match="did not end within 1 s") as refused, ended_before(1.0):
        run(FOR_EVER)
    assert refused.value.file_code is ErrorCode.INVALID_FILE


def test_a_program_that_another_one_has_started_is_ended_too() -> None:
    with (
        ended_before(10.0),
        subprocess.Popen(STARTS_ANOTHER, stdout=subprocess.PIPE, start_new_session=True) as process,
    ):
        assert process.stdout
        started = psutil.Process(int(process.stdout.readline()))
        assert process.wait() == -9
    assert psutil.wait_procs([started], timeout=10)[1] == []


def test_each_of_several_programs_is_ended() -> None:
    with ended_before(0.5):
        codes = [subprocess.run(FOR_EVER, check=False).returncode for _ in range(3)]
    assert codes == [-9] * 3


def test_a_process_that_no_call_has_started_goes_on_with_all_of_its_own() -> None:
    with subprocess.Popen(STARTS_ANOTHER, stdout=subprocess.PIPE) as apart:
        assert apart.stdout
        below = psutil.Process(int(apart.stdout.readline()))
        with ended_before(0.5, {apart.pid}):
            ended = subprocess.run(FOR_EVER, check=False).returncode
        lived_on = [apart.poll() is None, below.is_running()]
        below.kill()
        apart.kill()
    assert (ended, lived_on) == (-9, [True, True])


def test_an_error_of_a_call_in_time_stays_what_it_is() -> None:
    with pytest.raises(subprocess.CalledProcessError), ended_before(60.0):
        run([sys.executable, "-c", "raise SystemExit(1)"])

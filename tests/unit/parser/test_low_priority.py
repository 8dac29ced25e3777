from __future__ import annotations

import os
import sys

import pytest

from actors.parser.low_priority import NICENESS, at_low_priority


def _niceness() -> int:
    """The niceness of this thread: on Linux, each has its own."""
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, threads have no priority of their own")
def test_the_call_yields_to_other_processes_and_its_caller_does_not() -> None:
    before = _niceness()
    assert at_low_priority(_niceness) == max(NICENESS, before)
    assert _niceness() == before


def test_the_caller_gets_the_error_of_the_call() -> None:
    with pytest.raises(ZeroDivisionError):
        at_low_priority(lambda: 1 // 0)

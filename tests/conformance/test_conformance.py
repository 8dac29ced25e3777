"""Every client against a service of its own, and the table of clients as the tests found it (`make conformance`)."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.conformance.checks import Check
from tests.conformance.compatibility import PAGE, Finding, table
from tests.conformance.environments import PACKAGES
from tests.conformance.recorded_requests import RECORDED
from tests.conformance.sdk import LANGCHAIN, SDK

pytestmark = pytest.mark.slow

ALL = [*SDK, *LANGCHAIN, *PACKAGES, *RECORDED]


@pytest.fixture(scope="module")
def findings() -> Iterator[list[Finding]]:
    """What was found. The table is written from it at the end, if that is asked for."""
    found: list[Finding] = []
    yield found
    if "WRITE_COMPATIBILITY" in os.environ:
        PAGE.write_text(table(found))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("check", ALL, ids=str)
def test_a_client_gets_what_it_needs(url: str, check: Check, findings: list[Finding]) -> None:
    try:
        check.run(url)
    except pytest.skip.Exception as skipped:
        findings.append(Finding(check, f"not run: {skipped.msg}"))
        raise
    except BaseException as error:
        findings.append(Finding(check, type(error).__name__))
        raise
    findings.append(Finding(check))
    gc.collect()  # the SDK leaves files open

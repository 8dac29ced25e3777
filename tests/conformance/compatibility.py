"""The page about clients of docling-serve, made from what the tests found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.conformance.checks import Check

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

HEAD = """# Clients of docling-serve that work

`make conformance` runs these clients against a service and writes this page from what it finds. Packages are run as
they are. Other programs are not run: the requests in `tests/conformance/recorded/`, written down from their sources or
from notes about these, are sent byte for byte, and what the programs read is looked at. The SDK, LangChain and these
requests are also part of `make test`. npm's registry did not have the TypeScript client when this page was made.
[docling_serve.md](docling_serve.md) says what this server does with the requests.

| client | version | how | what was done | |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check; `error` is empty when it passed."""

    check: Check
    error: str = ""


def table(findings: Iterable[Finding]) -> str:
    """The page: a line for each client."""
    lines = []
    for (client, version, how), found in groupby(findings, _client):
        each = list(found)
        done = ", ".join(finding.check.what for finding in each)
        failed = ", ".join(f"{finding.check.what}: {finding.error}" for finding in each if finding.error)
        lines.append(f"| {client} | {version} | {how} | {done} | {failed or '✓'} |\n")
    return HEAD + "".join(lines)


def _client(finding: Finding) -> tuple[str, str, str]:
    return finding.check.client, finding.check.version, finding.check.how

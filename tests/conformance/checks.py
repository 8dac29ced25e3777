"""What is done with a client of docling-serve, and what has to come out. The table of clients is made from these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DOCUMENTS = Path(__file__).parents[2] / "examples" / "documents"
NOTES = DOCUMENTS / "notes.md"
REPORT = DOCUMENTS / "report.pdf"


@dataclass(frozen=True, slots=True)
class Check:
    """`run` gets the URL of a running service, and raises when the client does not get what it needs.

    `how` says how near the check is to the client: the client itself, or its requests and where they were read.
    """

    client: str
    version: str
    what: str
    run: Callable[[str], None]
    how: str = "run"

    def __str__(self) -> str:
        return f"{self.client}: {self.what}"

"""Tables in the pages say what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_generated_tables_are_current() -> None:
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert check.stderr == ""
    assert check.returncode == 0


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("architecture.md", "states"),
        ("configuration.md", "settings"),
        ("errors.md", "request_errors"),
        ("errors.md", "file_errors"),
        ("errors.md", "job_errors"),
        ("observability.md", "metrics"),
        ("observability.md", "alerts"),
    ],
)
def test_a_page_holds_its_generated_part(page: str, part: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    _, _, generated = text.partition(f"<!-- begin generated: {part} -->\n")
    assert generated.startswith(("| ", "```mermaid"))

"""The Python that the pages show is what the packages offer: names, arguments and types, as a checker sees them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

#: What a snippet leaves for its reader to bring along.
GIVEN = """
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray

from actors import connect
from actors.driver import Fleet
from client import DoclingParserClient


def given() -> Any: ...


client: DoclingParserClient = given()
fleet: Fleet = given()
paths: list[str] = given()
job_id: str = given()
data: bytes = given()
body: bytes = given()
headers: dict[str, str] = given()
other_ref: ray.ObjectRef[bytes] = given()
index: Callable[[object, list[dict[str, Any]]], None] = given()
log: Callable[[object, object], None] = given()
"""


PAGES = ["README.md", "docs/clients.md", "docs/drivers.md", "docs/webhooks.md"]
WRONG = ["client.submitjob('a.pdf')", "client.submit_job('a.pdf', callback='x')", "fleet.parse(17)", "unheard_of()"]


def program(snippets: list[str]) -> str:
    """Each is the body of an async function of its own, so that it may wait."""
    bodies = [f"async def snippet_{n}() -> None:\n{textwrap.indent(text, '    ')}" for n, text in enumerate(snippets)]
    return "\n\n".join([GIVEN, *bodies])


def snippets_of(page: str) -> list[str]:
    return [textwrap.dedent(text) for _, text in PYTHON.findall((ROOT / page).read_text())]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the checker says of each page, and of each wrong snippet."""
    folder = tmp_path_factory.mktemp("snippets")
    for name, snippets in {
        **{page: snippets_of(page) for page in PAGES},
        **{wrong: [wrong] for wrong in WRONG},
    }.items():
        (folder / f"{name.encode().hex()}.py").write_text(program(snippets))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    found: dict[str, list[str]] = {name: [] for name in (*PAGES, *WRONG)}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        found[bytes.fromhex(Path(each["file"]).stem).decode()].append(each["message"])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_snippets_of_a_page_use_what_there_is(complaints: dict[str, list[str]], page: str) -> None:
    assert snippets_of(page)
    assert complaints[page] == []


@pytest.mark.parametrize("wrong", WRONG)
def test_snippet_that_is_wrong_is_found(complaints: dict[str, list[str]], wrong: str) -> None:
    assert complaints[wrong]

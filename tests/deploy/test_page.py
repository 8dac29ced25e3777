"""The page for browsers as it is committed: it is what the sources give, small, and asks no other host."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
#: npm writes it when all packages are there.
INSTALLED = WEB / "node_modules" / ".package-lock.json"
BUILT = ROOT / "serve_app" / "ui"
LARGEST = 100_000
#: Hosts in the built files that nobody asks: the name of XML's namespaces, and the words of an error.
NAMES = {"www.w3.org", "github.com"}


def built_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_page_is_small() -> None:
    sizes = {name: len(gzip.compress(content)) for name, content in built_files(BUILT).items() if "licence" not in name}
    assert sum(sizes.values()) < LARGEST, sizes


def test_the_page_asks_no_other_host() -> None:
    code = b"".join(content for name, content in built_files(BUILT).items() if not name.endswith(".txt")).decode()
    assert set(re.findall(r"https?://([\w.-]+\.\w+)", code)) <= NAMES


def test_the_index_names_the_files_beside_it() -> None:
    named = set(re.findall(r'"(assets/[^"]+)"', (BUILT / "index.html").read_text()))
    assert named == {name for name in built_files(BUILT) if name.startswith("assets/")}


def test_the_page_is_what_its_sources_give(tmp_path: Path) -> None:
    if not (shutil.which("node") and INSTALLED.exists()):
        pytest.skip("needs node, and the packages that `make ui` installs")
    made = tmp_path / "ui"
    subprocess.run(["node", "build.mjs", str(made)], cwd=WEB, check=True)
    assert built_files(made) == built_files(BUILT), "run `make ui` and commit what it makes"
    for script in ("types", "lint"):
        done = subprocess.run(["npm", "run", "--silent", script], cwd=WEB, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

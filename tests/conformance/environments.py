"""Clients that are packages with requirements of their own: each is run in a virtual environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.checks import NOTES, Check

PROGRAMS = Path(__file__).parent / "programs"
FOLDER = Path(__file__).parents[2] / ".conformance"


def run(url: str, *, requirements: tuple[str, ...], program: str, interpreter: str) -> None:
    """Run a program against the service at `url`. Raises AssertionError with what it printed."""
    python = made(requirements, Path(program).stem, interpreter)
    command = [str(python), str(PROGRAMS / program), url, str(NOTES)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=FOLDER, check=False)
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]


def made(requirements: tuple[str, ...], name: str, interpreter: str) -> Path:
    """The interpreter of a virtual environment with these packages. `make conformance` makes it once."""
    if shutil.which(interpreter) is None or not _runs(interpreter):
        pytest.skip(f"needs {interpreter}, which is not installed")
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text().split() != list(requirements):
        if "WRITE_COMPATIBILITY" not in os.environ:
            pytest.skip("its packages are not installed; make conformance installs them")
        print(f"Installing {', '.join(requirements)} ...", file=sys.stderr)
        subprocess.run([interpreter, "-m", "venv", "--clear", str(folder)], check=True)
        # Unlike a test, pip asks servers on the internet: it needs its own certificates.
        environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True, env=environment)
        stamp.write_text("\n".join(requirements))
    return python


def _runs(interpreter: str) -> bool:
    """A version manager may have a name for an interpreter that it has not installed."""
    return subprocess.run([interpreter, "--version"], capture_output=True, check=False).returncode == 0


def _check(client: str, version: str, what: str, program: str, *more: str, interpreter: str = sys.executable) -> Check:
    requirements = (f"{client}=={version}", *more)
    run_it = partial(run, requirements=requirements, program=program, interpreter=interpreter)
    return Check(client, version, what, run_it)


PACKAGES = [
    _check(
        "docling-serve-haystack", "2.0.0", "convert, synchronous and as a task; a broken file", "haystack_converter.py"
    ),
    _check("docling-mcp", "3.3.0", "remote mode: health, convert by its tool", "docling_mcp_remote.py"),
    _check("docling-serve-client", "1.14.0", "convert with all defaults, task, chunks, clear", "serve_client.py"),
    _check("lightrag-hku", "1.5.7", "a zip file with pictures referred to", "lightrag_docling.py", "httpx==0.28.1"),
    _check(
        "haiku-rag-slim",
        "0.101.1",
        "a zip file with the pictures of pages; the document, sent back as JSON, in chunks",
        "haiku_rag.py",
        interpreter="python3.12",
    ),
]

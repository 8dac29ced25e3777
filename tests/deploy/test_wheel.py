"""What `pip install docfleet` gives: the built wheel beside its base requirements, and nothing else of this machine."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
HEAVY = ["ray", "docling", "docling_core", "torch", "numpy", "fastapi", "typer", "actors", "serve_app"]
IMPORT = f"""
import sys, time
import client
print(client.__file__, time.process_time() < 0.5, [name for name in {HEAVY} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def requirements(package: Distribution, extra: str = "") -> Iterator[Distribution]:
    """What pip would install beside `package`."""
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            required = distribution(requirement.name)
            yield required
            yield from requirements(required)


def environment(wheel: Path, folder: Path, extra: str = "") -> Path:
    """The Python of a virtual environment with the wheel and its requirements, which are linked rather than copied."""
    venv.create(folder, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    [ours] = site.glob("docfleet-*.dist-info")
    for package in requirements(PathDistribution(ours), extra):
        for name in {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(str(package.locate_file(name))))
    return folder / "bin" / "python"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-I", *arguments], capture_output=True, text=True, check=False)


def test_client_needs_the_base_requirements_alone_and_starts_quickly(wheel: Path, tmp_path: Path) -> None:
    """Processor time of the whole process, and of the best of three, so that a busy machine does not fail it."""
    python = environment(wheel, tmp_path)
    started = [run(python, "-c", IMPORT) for _ in range(3)]
    assert [done.stderr for done in started if done.returncode] == []
    where, quick, heavy = zip(*(done.stdout.split(maxsplit=2) for done in started), strict=True)
    assert all(Path(file).is_relative_to(tmp_path) for file in where)
    assert ("True" in quick, {names.strip() for names in heavy}) == (True, {"[]"})
    assert "extra `cli`" in run(python, "-m", "client").stderr


def test_command_line_needs_its_extra_alone(wheel: Path, tmp_path: Path) -> None:
    python = environment(wheel, tmp_path, "cli")
    assert "Usage: docfleet" in run(python, "-m", "client", "--help").stdout
    assert "extra `server`" in run(python, "-m", "client", "serve").stderr

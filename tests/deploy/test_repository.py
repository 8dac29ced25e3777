"""The repository keeps its own word: commands in the pages exist, links lead somewhere, layers hold."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main
import yaml

from client.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# Tools that a reader brings along; every other command must come with the virtual environment.
READERS_TOOLS = {"chmod", "aws", "cd", "curl", "docker", "git", "helm", "kubectl", "make", "pip", "python"}
OF_THE_SHELL = {"export", "python3", "sudo"}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
ASSIGNMENTS = re.compile(r"^(\w+=(\$?'[^']*'|\$\([^)]*\)|\S)+ +)*")  # of variables, before a command
SOURCE_PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]+\.(?:py|yaml|md|json|toml)")

every_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


def code_in(page: Path) -> Iterator[str]:
    """What the page shows as code, fenced or in the line."""
    text = page.read_text()
    yield from (block for _, block in FENCE.findall(text))
    yield from CODE_SPAN.findall(FENCE.sub("", text))


def test_only_handles_call_what_runs_elsewhere() -> None:
    files = [path for room in ("actors", "serve_app", "client") for path in (ROOT / room).rglob("*.py")]
    calling = {path.parent for path in files if ".remote(" in path.read_text().replace("`.remote()`", "")}
    assert calling == {ROOT / "actors" / "handles"}


@every_page
def test_every_make_target_in_a_page_exists(page: Path) -> None:
    mentioned = {target for code in code_in(page) for target in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert mentioned <= TARGETS


@every_page
def test_every_console_command_in_a_page_exists(page: Path) -> None:
    """A `console` block holds commands alone: no prompts, no output."""
    blocks = [block for language, block in FENCE.findall(page.read_text()) if language == "console"]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]
    commands = {ASSIGNMENTS.sub("", line).split()[0] for line in lines}
    commands -= READERS_TOOLS | OF_THE_SHELL
    ours = [Path(sys.executable).parent, ROOT]  # of the virtual environment, or a script of the repository
    assert [name for name in commands if not any((at / name).exists() for at in ours)] == []


@every_page
def test_every_module_and_subcommand_in_a_page_exists(page: Path) -> None:
    code = "\n".join(code_in(page))
    modules = set(re.findall(r"\bpython -m ([\w.]+)", code))
    assert {name for name in modules if find_spec(name) is None} == set()
    subcommands = set(re.findall(r"^(?:\w+=\S+ )*docfleet (\w[\w-]*)", code, re.MULTILINE))
    assert subcommands <= typer.main.get_command(app).commands.keys()


@every_page
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@every_page
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    spans = CODE_SPAN.findall(FENCE.sub("", page.read_text()))
    names = [span for span in spans if SOURCE_PATH.fullmatch(span)]
    assert [name for name in names if not (ROOT / name).exists() and not (page.parent / name).exists()] == []


def test_layers_hold() -> None:
    """In a process of its own: import-linter's set-up of logging silences every logger that exists."""
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_image_installs_what_was_tested() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    installs = [line for line in recipe.splitlines() if "pip install" in line]
    assert installs
    assert all("--constraint constraints.txt" in line or "--no-deps" in line for line in installs)


def test_image_names_a_version_of_its_base_and_lists_its_packages_in_both_forms() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-slim-\w+$", recipe, re.MULTILINE)
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", recipe, re.MULTILINE)
    assert {name for base, name in stages if base == "described"} == {"bundled", "standard"}
    described = recipe.partition(" AS described\n")[2].partition("\nFROM ")[0]
    assert "sbom.json" in described
    assert "org.opencontainers.image.revision" in described


def test_ci_job_for_the_image_runs_the_script_and_keeps_the_lists_that_it_writes() -> None:
    (job,) = yaml.safe_load((ROOT / "deploy" / "github-actions.yaml").read_text())["jobs"].values()
    (script, *arguments) = shlex.split(next(step["run"] for step in job["steps"] if "run" in step))
    assert os.access(ROOT / script, os.X_OK)
    assert len(arguments) == 2
    (kept,) = (step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    written = re.findall(r'>"(sbom\S+)"', (ROOT / script).read_text())
    assert [fnmatch(name, kept) for name in written] == [True]


@pytest.mark.parametrize("recipe", ["deploy/Dockerfile", "cluster.yaml"])
def test_a_parser_s_machine_gets_what_old_office_files_need(recipe: str) -> None:
    """.xls, .doc and .ppt each have a package of LibreOffice's; .rtf has that of .doc."""
    wanted = {"libreoffice-calc", "libreoffice-writer", "libreoffice-impress"}
    assert wanted <= set(re.findall(r"[\w-]+", (ROOT / recipe).read_text()))


def test_constraints_name_versions_and_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.+!]+(?: ?;.*)?", line)] == []


def test_no_file_knows_where_it_was_made() -> None:
    """No package registry's address and no folder of some developer's machine."""
    traces = r"pypi\.org|pythonhosted|npmjs|index-url|/work/|/root/|/home/[a-qs-z]"  # /home/ray is the image's user
    myself = f":!{Path(__file__).relative_to(ROOT)}"
    found = subprocess.run(["git", "grep", "-nIE", traces, "--", ".", myself], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.splitlines() == []
    assert found.returncode == 1, found.stderr  # 1: nothing found; anything else: git could not look

"""What `import client` gives, and that both clients offer the same."""

from __future__ import annotations

import inspect
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import client
from client import AsyncDoclingParserClient, DoclingParserClient, errors, models
from fetchcraft.parsing import docling

ROOT = Path(__file__).parents[3]


def public(module: object) -> set[str]:
    """The public classes and functions that a module defines."""
    return {
        name
        for name, item in vars(module).items()
        if not name.startswith("_") and getattr(item, "__module__", None) == getattr(module, "__name__", "")
    }


def methods(kind: type) -> dict[str, inspect.Signature]:
    return {name: inspect.signature(item) for name, item in inspect.getmembers(kind, inspect.isfunction)}


def test_all_is_sorted_and_complete() -> None:
    internal = {"Wire", "error_from"}
    exported = {name for name in vars(client) if not name.startswith("_") and name[0].isupper()}
    assert client.__all__ == sorted(client.__all__)
    assert set(client.__all__) == exported | {"verify_webhook"}
    assert public(errors) - internal <= set(client.__all__)
    assert public(models) - internal - {"T"} <= set(client.__all__)


def test_both_clients_have_the_same_methods_and_arguments() -> None:
    ours, theirs = methods(DoclingParserClient), methods(AsyncDoclingParserClient)
    renamed = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
    for name, signature in ours.items():
        twin = theirs[renamed.get(name, name)]
        assert list(signature.parameters) == list(twin.parameters), name
        assert [p.kind for p in signature.parameters.values()] == [p.kind for p in twin.parameters.values()], name
        if name != "__init__":
            assert [p.default for p in signature.parameters.values()] == [p.default for p in twin.parameters.values()]
    assert set(theirs) - {renamed.get(name, name) for name in ours} == {"parse_batch", "parse_parallel"}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("health", []),
        ("parse", ["paths"]),
        ("parse_single", ["path"]),
        ("submit_job", ["paths", "callback_url", "task_id", "metadata"]),
        ("get_job_status", ["job_id"]),
        ("get_job_results", ["job_id"]),
        ("submit_and_wait", ["paths", "poll_interval", "timeout"]),
        ("parse_batch", ["paths", "batch_size"]),
        ("parse_parallel", ["paths", "max_concurrent"]),
    ],
)
def test_arguments_that_existing_code_passes_come_first(method: str, arguments: list[str]) -> None:
    parameters = list(inspect.signature(getattr(AsyncDoclingParserClient, method)).parameters)
    assert parameters[1 : len(arguments) + 1] == arguments


def test_old_import_path_gives_the_same_classes() -> None:
    assert docling.DoclingParserClient is DoclingParserClient
    assert docling.AsyncDoclingParserClient is AsyncDoclingParserClient
    assert [getattr(docling, name) for name in docling.__all__] == [getattr(client, name) for name in docling.__all__]


def test_old_server_command_is_the_servers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serve_app.__main__", SimpleNamespace(main=lambda: 3))
    with pytest.raises(SystemExit, match="3"):
        runpy.run_module("fetchcraft.parsing.docling.server", run_name="__main__")


def test_client_may_be_made_with_its_address_and_timeout_in_place() -> None:
    for kind in (DoclingParserClient, AsyncDoclingParserClient):
        assert kind().base_url == "http://localhost:8080"
        assert kind("http://host:1/", 60).base_url == "http://host:1"


def test_every_public_name_has_a_type_that_checkers_know() -> None:
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--ignoreexternal"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        [*command, "--verifytypes", "client"], env=environment, capture_output=True, text=True, check=False
    )
    assert "Type completeness score: 100%" in done.stdout, done.stdout


def test_manual_names_every_method_and_every_error() -> None:
    manual = (ROOT / "docs" / "clients.md").read_text()
    offered = {name for kind in (DoclingParserClient, AsyncDoclingParserClient) for name in methods(kind)}
    named = {name for name in offered if not name.startswith("_")} | public(errors) - {"error_from"}
    assert {name for name in named | set(client.ParseOptions.model_fields) if f"`{name}" not in manual} == set()

"""docfleet beside docling-serve and the single-process server, in turns: `python -m benchmarks.peers [FOLDER]`.

Each gets the same small office and web documents from the same clients, which poll with the same patience. The others
are installed from the package index, in environments of their own under `.peers/`. docling-serve runs two workers, as
docfleet runs two parsers. It loads a layout model for every request, also where that has nothing to do, so it gets a
small random one. Making the environments needs the internet once, and Python 3.12 for the single-process server. What
cannot be installed is left out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.callers import Caller, by_docling_poll, by_poll, measured
from benchmarks.random_models import save_random_models
from benchmarks.service import describe_machine, server, service, spread
from benchmarks.throughput import PARSERS, is_small
from serve_app.__main__ import free_port

FOLDER = Path(".peers")
INSTALL_WITHIN_S = 900
ROUNDS = 10
RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another server. In `command` and `env`, `{port}` is where it listens, and `{models}` a folder of models. `health`
    is a path that answers 200."""

    name: str
    package: str
    python: str
    command: Sequence[str]
    env: Mapping[str, str]
    health: str
    caller: Caller


PEERS = (
    Peer(
        name="docling-serve",
        package="docling-serve==1.38.2",
        python=sys.executable,
        command=("docling-serve", "run", "--host", "127.0.0.1", "--port", "{port}"),
        env={
            "DOCLING_SERVE_ENG_LOC_NUM_WORKERS": str(PARSERS),
            "DOCLING_SERVE_LOAD_MODELS_AT_BOOT": "false",
            "DOCLING_SERVE_ARTIFACTS_PATH": "{models}",
        },
        health="/health",
        caller=by_docling_poll,
    ),
    Peer(
        name="single-process server",
        package="fetchcraft-parsing-docling==0.4.3",
        python="python3.12",
        command=("fetchcraft-docling-server",),
        env={"PORT": "{port}", "HOST": "127.0.0.1"},
        health="/health",
        caller=by_poll,
    ),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=Path("examples/documents"))
    jobs = [[path] for path in sorted(options.parse_args().folder.iterdir()) if is_small(path)] * ROUNDS
    print(f"{len(jobs)} jobs of one file, {RUNS} runs; {describe_machine()}")
    for peer in PEERS:
        if installed(peer):
            compare(peer, jobs)
        else:
            print(f"{peer.name}: left out, {peer.package} could not be installed with {peer.python}")


def installed(peer: Peer) -> bool:
    """Make the environment of a peer unless it is there. Returns whether it is."""
    folder = FOLDER / peer.package
    if (folder / "bin" / peer.command[0]).exists():
        return True
    if shutil.which(peer.python) is None:
        return False
    if subprocess.run([peer.python, "-m", "venv", str(folder)], check=False).returncode != 0:
        return False  # as pyenv's shim of a version that is not chosen
    python = str(folder / "bin" / "python")
    # pip does not find in 40 minutes which versions of the single-process server's packages fit together.
    installs = ([python, "-m", "pip", "install", "--quiet", "uv"], [python, "-m", "uv", "pip", "install", peer.package])
    try:
        return all(subprocess.run(each, check=False, timeout=INSTALL_WITHIN_S).returncode == 0 for each in installs)
    except subprocess.TimeoutExpired:
        return False


def compare(peer: Peer, jobs: Sequence[Sequence[Path]]) -> None:
    """Print the rates of a peer and of docfleet, which take turns."""
    with running(peer) as their_url, service(PARSER_MIN_REPLICAS=str(PARSERS), PARSER_MAX_REPLICAS=str(PARSERS)) as url:
        rates: tuple[list[float], list[float]] = ([], [])
        for run in range(RUNS + 1):
            for each, of in zip((their_url, url), rates, strict=True):
                rate = measured(each, jobs, peer.caller).documents_per_s
                if run:  # the first warms up
                    of.append(rate)
    theirs, ours = rates
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    print(f"{peer.name}: {spread(theirs)} docs/s; docfleet: {spread(ours)}; ratio {spread(ratios)}")


@contextmanager
def running(peer: Peer) -> Iterator[str]:
    """Run a peer in a folder of its own. Yields its base URL."""
    port = str(free_port())
    url, program = f"http://127.0.0.1:{port}", (FOLDER / peer.package / "bin").absolute()
    command = [str(program / peer.command[0]), *(part.format(port=port) for part in peer.command[1:])]
    with TemporaryDirectory(prefix="dfp-") as folder:
        models = Path(folder, "models")
        save_random_models(models)
        settings = {name: value.format(port=port, models=models) for name, value in peer.env.items()}
        settings["PYTHONPATH"] = ""  # the package `fetchcraft` of this repository is not the peer's
        with server(command, settings, health=f"{url}{peer.health}", log=Path(folder, "log"), cwd=Path(folder)):
            yield url


if __name__ == "__main__":
    main()

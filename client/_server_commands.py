"""`docfleet serve` and `docfleet cluster`: the commands that need the server's package."""

from __future__ import annotations

import importlib
from types import ModuleType

import typer

cluster = typer.Typer(help="Look after the service on a Ray cluster.", no_args_is_help=True)


def serve() -> None:
    """Run the service on this machine until Ctrl-C. Environment variables configure it: HOST, PORT, DO_OCR, ...

    PORT=9000 docfleet serve
    """
    raise typer.Exit(_server_module("serve_app.__main__").main())


@cluster.command()
def stop() -> None:
    """Remove the service from the cluster that RAY_ADDRESS names, or from the one on this machine.

    Also ends the registry, which `serve shutdown` leaves running. Ray and other applications go on. Unfinished jobs
    continue when the service is deployed again on the same state.
    """
    stopped = _server_module("serve_app.local").stop_on_cluster()
    typer.echo("Stopped the service and its registry." if stopped else "No docfleet runs on this cluster.")


def _server_module(name: str) -> ModuleType:
    """A module of the server, loaded by name because the client package must not depend on the server."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        typer.echo(f"To run a server, install docfleet's extra `server` ({missing})", err=True)
        raise typer.Exit(1) from missing

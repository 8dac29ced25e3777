"""`docfleet keys`: the key file of a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from client.keys import KeyFileError, add_key, read_keys, revoke_key

KeyFile = Annotated[
    Path, typer.Option("--file", envvar="API_KEYS_FILE", dir_okay=False, help="The key file that the server reads.")
]
Name = Annotated[str, typer.Argument(help="The name of the key's user, who owns the jobs made with it.")]
DEFAULT = Path("api-keys")

keys = typer.Typer(help="Make, list and revoke the API keys of a server on this machine.", no_args_is_help=True)


@keys.command()
def add(name: Name, file: KeyFile = DEFAULT) -> None:
    """Make a key and print it. Only its hash is stored, so the key cannot be shown again.

    docfleet keys add alice --file /etc/docfleet/api-keys
    """
    with _explained():
        typer.echo(add_key(file, name))


@keys.command("list")
def list_(file: KeyFile = DEFAULT) -> None:
    """Print the names of the keys."""
    with _explained():
        for name in read_keys(file):
            typer.echo(name)


@keys.command()
def revoke(name: Name, file: KeyFile = DEFAULT) -> None:
    """Remove a key. A running server refuses it within a second; its jobs go on."""
    with _explained():
        revoke_key(file, name)
    typer.echo(f"The key {name} is revoked", err=True)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except KeyFileError as error:
        raise typer.BadParameter(str(error)) from None

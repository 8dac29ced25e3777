"""`docfleet`, and `python -m client`: the command line, or what it takes to have one."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from client.cli import app
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich"}:
            raise
        sys.exit("The docfleet command needs the `cli` extra: pip install 'docfleet[cli]'")
    app(prog_name="docfleet")


if __name__ == "__main__":
    main()

"""`docfleet` and `python -m client`: run the command line, or say how to install it."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line."""
    try:
        from client.cli import app
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich"}:
            raise
        sys.exit("The docfleet command needs docfleet's extra `cli`: run pip install '.[cli]' in its checkout")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # print a file name that is not UTF-8 unchanged
    app(prog_name="docfleet")


if __name__ == "__main__":
    main()

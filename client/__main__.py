"""`docfleet` and `python -m client`: run the command line, or say how to install it."""

from __future__ import annotations

import codecs
import io
import json
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
        codecs.register_error("docfleet", _printable)
        sys.stdout.reconfigure(errors="docfleet")
    app(prog_name="docfleet")


def _printable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Prints a file name that is not UTF-8 unchanged, and a letter that the output does not have as JSON spells it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter, end = error.object[error.start], error.start + 1
    if "\udc80" <= letter <= "\udcff":
        return letter.encode(errors="surrogateescape"), end
    return json.dumps(letter)[1:-1], end


if __name__ == "__main__":
    main()

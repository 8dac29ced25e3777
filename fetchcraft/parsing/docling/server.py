"""`python -m fetchcraft.parsing.docling.server` starts the server, as it started the single-process server."""

from __future__ import annotations

import sys


def main() -> int:
    """Run `python -m serve_app`. The import is here because it needs the `server` extra."""
    from serve_app.__main__ import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())

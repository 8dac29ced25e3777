"""`python -m fetchcraft.parsing.docling.server` starts the server, as it did the single-process one."""

from __future__ import annotations

import sys


def main() -> int:
    """The same as `python -m serve_app`. Needs the `server` extra, so nothing of it is imported before."""
    from serve_app.__main__ import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())

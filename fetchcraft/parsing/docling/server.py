"""`python -m fetchcraft.parsing.docling.server` starts the server, as it did the single-process one."""


def main() -> None:
    """The same as `python -m serve_app`. Needs the `server` extra, so nothing of it is imported before."""
    from serve_app.__main__ import main as serve

    serve()


if __name__ == "__main__":
    main()

"""A digest of a package's code, with everything of docfleet that the package imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ("actors", "client")


def digest_of(package: str) -> str:
    """A digest of a package's source and of all docfleet modules that it imports, directly or indirectly."""
    sources = sorted(sources_of(package))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def sources_of(package: str) -> set[Path]:
    """The source files that `digest_of` reads."""
    found: set[Path] = set()
    to_read = list((ROOT / package.replace(".", "/")).rglob("*.py"))
    while to_read:
        path = to_read.pop()
        if path not in found:
            found.add(path)
            to_read += _imported_by(path)
    return found


def _imported_by(path: Path) -> Iterator[Path]:
    for name in _names_imported_by(ast.parse(path.read_bytes())):
        if name.split(".")[0] in OWN:
            module = ROOT / name.replace(".", "/")
            yield from (source for source in (module.with_suffix(".py"), module / "__init__.py") if source.is_file())


def _names_imported_by(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

"""Which code a registry runs. A detached actor outlives a deploy, so whoever deploys has to ask."""

from __future__ import annotations

import hashlib
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SOURCES = sorted(
    [
        *(_ROOT / "actors" / "registry").glob("*.py"),
        _ROOT / "actors" / "messages.py",
        _ROOT / "actors" / "errors.py",
        _ROOT / "actors" / "metrics.py",
        _ROOT / "client" / "models.py",
    ]
)


#: A digest of the code that decides what a registry does, taken when this process loaded it.
CODE_VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:16]

"""The version of a registry's code and settings. A detached actor outlives a deployment, so each one compares it."""

from __future__ import annotations

import hashlib

from actors.code_digest import digest_of

#: A digest of all code that the registry runs, taken when this process loads it.
CODE_VERSION = digest_of("actors.registry")


def version_of(config: object) -> str:
    """The version of a registry that this code creates from `config`, a dataclass of plain values. The settings are
    hashed because one of them may hold a password."""
    return f"{CODE_VERSION}-{hashlib.sha256(repr(config).encode()).hexdigest()[:16]}"

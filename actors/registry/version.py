"""Which code a registry runs, and with which settings. A detached actor outlives a deploy, so whoever deploys asks."""

from __future__ import annotations

import hashlib

from actors.code_digest import digest_of

#: A digest of the code that decides what a registry does, taken when this process loaded it.
CODE_VERSION = digest_of("actors.registry")


def version_of(config: object) -> str:
    """Of a registry that this code makes of `config`, a dataclass of plain values. A digest, for one is a secret."""
    return f"{CODE_VERSION}-{hashlib.sha256(repr(config).encode()).hexdigest()[:16]}"

"""Which code a registry runs. A detached actor outlives a deploy, so whoever deploys has to ask."""

from __future__ import annotations

from actors.sources import ROOT, digest_of

#: A digest of the code that decides what a registry does, taken when this process loaded it.
CODE_VERSION = digest_of(
    [
        *(ROOT / "actors" / "registry").glob("*.py"),
        ROOT / "actors" / "messages.py",
        ROOT / "actors" / "errors.py",
        ROOT / "actors" / "metrics.py",
        ROOT / "client" / "models.py",
    ]
)

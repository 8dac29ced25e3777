"""Bytes by key, on a local folder or any object store that obstore speaks.

Keys: those of `keys.py`, and `cache/{digest}/entry.json`. docfleet makes every key; clients make none.
"""

from __future__ import annotations

from pathlib import Path

from actors.blobs.local import LocalBlobs
from actors.blobs.objects import ObjectBlobs, connect
from actors.blobs.store import BlobStore, BlobWriter

__all__ = ["BlobStore", "BlobWriter", "open_blobs"]


def open_blobs(url: str) -> BlobStore:
    """The store at `url`: a folder's path, `memory://` (this process only), or `s3://`, `gs://`, `az://`.

    Credentials and endpoints of object stores come from their usual environment names (`AWS_…`, `GOOGLE_…`,
    `AZURE_…`).
    """
    if "://" in url:
        return ObjectBlobs(connect(url))
    return LocalBlobs(Path(url))

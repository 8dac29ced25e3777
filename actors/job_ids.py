"""Job ids, and the registry shard that each belongs to. To clients they are opaque.

Jobs of the shard 0 have plain UUIDs, as on a server with one registry. Those of the shard 3 begin with `3-`. So a
server that gets more shards still finds its earlier jobs.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from uuid import uuid4

#: More would only cost: each call to all registries would be as many calls.
MAX_SHARDS = 64

#: A UUID has eight characters before its first hyphen, so it never looks like this.
_PREFIX = re.compile(r"([1-9][0-9]?)-")


def new_job_id(shards: int, owner: str = "", key: str | None = None) -> str:
    """An id on any of `shards` shards. All jobs of an owner's idempotency key are on one: that of the key."""
    shard = random.randrange(shards) if key is None else _shard_of_key(owner, key, shards)
    return f"{shard}-{uuid4()}" if shard else str(uuid4())


def shard_of(job_id: str) -> int:
    """The number of the shard that has the job, from 0."""
    prefix = _PREFIX.match(job_id)
    return int(prefix[1]) if prefix else 0


def _shard_of_key(owner: str, key: str, shards: int) -> int:
    digest = hashlib.sha256(json.dumps([owner, key]).encode()).digest()
    return int.from_bytes(digest[:8]) % shards

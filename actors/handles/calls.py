"""What every call of a deployment has to do with: its arguments' size, and a caller that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

INLINE_BYTES = 64 * 1024  # below this, an argument travels with the call: cheaper than a stored object


@asynccontextmanager
async def cancelled_with_its_caller(response: Any) -> AsyncIterator[Any]:
    """Tell the replica when its caller stops waiting, which Serve does not: it works for nobody then."""
    try:
        yield response
    except asyncio.CancelledError:
        response.cancel()
        raise

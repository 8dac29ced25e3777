"""Shared by all calls to deployments: the size limit of inline arguments, and cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

INLINE_BYTES = 64 * 1024  # below this, an argument travels with the call: cheaper than a stored object


@asynccontextmanager
async def cancelled_with_its_caller(response: Any) -> AsyncIterator[Any]:
    """Cancel the replica's work when its caller is cancelled. Serve does not do that by itself."""
    try:
        yield response
    except asyncio.CancelledError:
        response.cancel()
        raise

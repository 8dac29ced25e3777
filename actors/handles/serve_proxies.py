"""What Serve's controller knows of its proxies."""

from __future__ import annotations

import ray
from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE
from ray.serve.config import ProxyLocation


async def all_proxies_are_on_the_head() -> bool:
    """Whether Serve runs its proxies on the head node only. For processes of Serve."""
    controller = ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
    return bool(await controller.get_proxy_location.remote() == ProxyLocation.HeadOnly)

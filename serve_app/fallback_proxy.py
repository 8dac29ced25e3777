"""Keeps Serve's fallback proxy away from other machines.

With HAProxy, Serve starts one more proxy on the head node, which answers while no ingress replica is up. Serve makes it
listen where the service itself listens. HAProxy looks for it at the loopback address when both run on the same node, so
no other machine has to reach it. Serve has no setting for its address.
"""

from __future__ import annotations

import socket

import uvicorn
from ray._common.network_utils import get_localhost_ip  # type: ignore[attr-defined] # Serve takes it from there too
from ray.serve._private.constants import RAY_SERVE_FALLBACK_PROXY_HTTP_PORT

from actors.handles.serve_proxies import all_proxies_are_on_the_head
from serve_app.quiet_server import QuietServer


def keep_fallback_proxy_local() -> None:
    """Make the fallback proxy listen on the loopback address only, if it is this process.

    With a proxy on every node it keeps its address, because the other nodes reach it over the network.
    """
    uvicorn.Server = LocalFallback  # type: ignore[misc] # Serve takes the class from the package


class LocalFallback(QuietServer):
    """A server with another socket when it is the fallback proxy's."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.port == RAY_SERVE_FALLBACK_PROXY_HTTP_PORT and await all_proxies_are_on_the_head():
            for bound in sockets or ():
                bound.close()  # nothing listens there yet
            sockets = [socket.create_server((get_localhost_ip(), self.config.port), reuse_port=True)]
        await super().serve(sockets)

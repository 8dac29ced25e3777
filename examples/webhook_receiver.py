"""Receives signed webhooks: checks them, passes over repetitions, and prints how each job ended.

WEBHOOK_SECRET=whsec_... python examples/webhook_receiver.py [PORT]

The server needs the same WEBHOOK_SECRET, and CALLBACK_ALLOW=127.0.0.1 to call this machine. Then:

curl -F files=@report.pdf -F webhook_url=http://127.0.0.1:9000/ http://localhost:8080/submit
"""

import os
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

from client import WebhookInvalid, verify_webhook

SECRET = os.environ["WEBHOOK_SECRET"]
LARGEST_BODY = 64 * 1024


class Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[set[str]] = set()  # keep yours in a store that outlives the process

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(size, LARGEST_BODY))
        try:
            event = verify_webhook(body, dict(self.headers), SECRET)
        except WebhookInvalid as error:
            self.answer(HTTPStatus.BAD_REQUEST)
            print(f"refused: {error}", flush=True)
            return
        self.answer(HTTPStatus.NO_CONTENT)  # before the work, because the server calls again after a late answer
        if self.headers["webhook-id"] not in self.seen:
            self.seen.add(self.headers["webhook-id"])
            job = event["data"]
            print(f"{event['type']}: {job['job_id']}, {job['total_nodes']} nodes", flush=True)

    def answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """What is of interest is printed."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 9000), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()

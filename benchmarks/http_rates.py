"""Requests per second of the whole HTTP path with a durable journal: `python -m benchmarks.http_rates`; needs `wrk`.

With `--python-proxy`, also those of Serve's other HTTP mode. Load and service share this machine's cores.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.service import describe_machine, service

SECONDS = 4
SUBMIT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=b"
wrk.body = '--b\\r\\nContent-Disposition: form-data; name="files"; filename="a.pdf"\\r\\n\\r\\n1\\r\\n--b--\\r\\n'
"""


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; on Debian: apt-get install wrk")
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python-proxy", action="store_true")
    modes = {"HAProxy": "1"} | ({"Python proxy": "0"} if options.parse_args().python_proxy else {})
    print(describe_machine())
    for mode, flag in modes.items():
        with serving(flag, seconds_per_page="0") as (url, script):
            job = httpx.post(f"{url}/submit", files={"files": ("a.pdf", b"1")}, timeout=60).json()["job_id"]
            while httpx.get(f"{url}/jobs/{job}", params={"wait": 5}, timeout=60).json()["status"] != "completed":
                pass
            print(f"{mode}: GET /livez {wrk(f'{url}/livez', 8)}")
            print(f"{mode}: GET /jobs/{{id}} {wrk(f'{url}/jobs/{job}', 8)}")
            print(f"{mode}: POST /submit, jobs done as they come {wrk(f'{url}/submit', 16, script)}")
        with serving(flag, seconds_per_page="1") as (url, script):
            print(f"{mode}: POST /submit, parsers asleep {wrk(f'{url}/submit', 16, script)}")


@contextmanager
def serving(ha_proxy: str, *, seconds_per_page: str) -> Iterator[tuple[str, Path]]:
    """A service in one of the two modes, and the script that submits a tiny file to it."""
    env = {"RAY_SERVE_ENABLE_HA_PROXY": ha_proxy, "SLEEP_PER_PAGE_S": seconds_per_page, "MAX_QUEUED_JOBS": "1000000"}
    with service(module="benchmarks.sleeping", **env) as url, tempfile.NamedTemporaryFile("w") as script:
        script.write(SUBMIT)
        script.flush()
        yield url, Path(script.name)


def wrk(url: str, connections: int, script: Path | None = None) -> str:
    """One run after a short warm-up: rate, latency, and any answer that is not a success."""
    command = ["wrk", "-t1", f"-c{connections}", "--latency", *(["-s", str(script)] if script else []), url]
    subprocess.run([*command, "-d2s"], check=True, capture_output=True)
    out = subprocess.run([*command, f"-d{SECONDS}s"], check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    p50 = re.search(r"^ +50% +(\S+)", out, re.MULTILINE)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    assert rate
    assert p50
    return f"{float(rate[1]):.0f}/s, p50 {p50[1]} ({connections} connections)" + (f", {failed[0]}" if failed else "")


if __name__ == "__main__":
    main()

"""How full docfleet keeps a model endpoint: `python -m benchmarks.remote_models`.

The endpoint answers from a table after a fixed time, so the model costs nothing here. Ideal is that time for each full
round of requests. The first number is from the first request to the end of the last answer, the second one from the
submit until the client has the results: it has the drawing of the first pages and the joining of all in it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.service import describe_machine, service
from client import DoclingParserClient
from tests.model_endpoint import FakeModel, doctags, numbered_pdf, running, said


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=40)
    options.add_argument("--answer-s", type=float, default=0.2)
    options.add_argument("--concurrency", type=int, default=16)
    options.add_argument("--parsers", type=int, default=4)
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    print(describe_machine())
    with running(FakeModel()) as model, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pages.pdf"
        file.write_bytes(numbered_pdf(chosen.pages))
        endpoint = {"url": model.url, "model": "fake", "concurrency": chosen.concurrency}
        parsers = str(chosen.parsers)
        settings = {"PARSER_MIN_REPLICAS": parsers, "PARSER_MAX_REPLICAS": parsers, "PARSER_NUM_CPUS": "0.4"}
        with (
            service(MODEL_ENDPOINTS=json.dumps({"fake": endpoint}), **settings) as url,
            DoclingParserClient(url) as client,
        ):
            report(chosen, model, client, file)


def report(chosen: argparse.Namespace, model: FakeModel, client: DoclingParserClient, file: Path) -> None:
    ideal = math.ceil(chosen.pages / chosen.concurrency) * chosen.answer_s
    for _ in range(2):  # the parsers know the profile from now on
        run(model, client, file, 0.0)
    asked, whole = zip(*(run(model, client, file, chosen.answer_s) for _ in range(chosen.runs)), strict=True)
    print(f"{chosen.pages} pages of {chosen.answer_s:g} s, concurrency {chosen.concurrency}: ideal {ideal:.2f} s")
    for what, times in (("first request to last answer", asked), ("submit to the results", whole)):
        median, best = statistics.median(times), min(times)
        print(f"{what}: median {median:.2f} s ({median / ideal:.2f} x ideal), min {best:.2f} s ({best / ideal:.2f} x)")
    average = model.average_at_once(min(chosen.concurrency, chosen.pages // 2))
    print(f"requests at once in the last run: at most {model.most_at_once}, on average {average:.1f} once it was full")


def run(model: FakeModel, client: DoclingParserClient, file: Path, answer_s: float) -> tuple[float, float]:
    """Seconds from the first request to the last answer, and from the submit until the client has the results."""
    model.reset(lambda request: said(doctags(request.page), delay_s=answer_s))
    started = time.perf_counter()
    job = client.submit_job(file, options={"profile": "vlm", "cache": False})["job_id"]
    [result] = client.wait_for_results(job)["results"]
    seconds = time.perf_counter() - started
    if not result["success"] or result["pages_failed"]:
        raise RuntimeError("a page was not read")
    return model.seconds, seconds


if __name__ == "__main__":
    main()

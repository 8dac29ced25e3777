"""How fast the page for browsers is: first view, switching pages, and scrolling: `python -m benchmarks.page`.

It needs Chromium, Debian's package of that name.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.service import describe_machine, service
from client import DoclingParserClient

VIEWS = 10
BOXES = 500
SCROLLED_S = 4
#: A frame that takes longer is one that a person sees to be missing: two in a row at 60 Hz.
SEEN_MS = 33.4

#: Answers when the jobs are drawn, with the milliseconds since the page was asked for.
FIRST_ROW = """() => new Promise((done) => {
  const look = () => document.querySelector(".row") ? requestAnimationFrame(done) : requestAnimationFrame(look);
  look();
})"""

#: Turns to the next page by its key, and answers with the milliseconds until its picture and its text are drawn.
TURN = """(page) => new Promise((done) => {
  const started = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}));
  const look = () => {
    const picture = document.querySelector(`.sheet img[alt="Page ${page}"]`);
    if (!picture?.complete) return requestAnimationFrame(look);
    picture.decode().then(() => requestAnimationFrame(() => done(performance.now() - started)));
  };
  look();
})"""

#: Scrolls up and down, and answers with the milliseconds between frames.
SCROLL = """([selector, seconds]) => new Promise((done) => {
  const box = document.querySelector(selector);
  const frames = [];
  let last = null, by = 24;
  const step = (now) => {
    if (last !== null) frames.push(now - last);
    last = now;
    const before = box.scrollTop;
    box.scrollTop += by;
    if (box.scrollTop === before) by = -by;
    const passed = frames.reduce((sum, each) => sum + each, 0);
    passed < 1000 * seconds ? requestAnimationFrame(step) : done(frames);
  };
  requestAnimationFrame(step);
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, nargs="?", default=Path("examples/documents/report.pdf"))
    chosen = options.parse_args()
    print(describe_machine())
    with service() as url, DoclingParserClient(url) as client, chromium() as browser:
        job_id = client.submit_job(chosen.file)["job_id"]
        client.wait_for_job(job_id)
        measure(browser, url, job_id)


def measure(browser: Browser, url: str, job_id: str) -> None:
    """Print the times of a server's page, with a document of several pages that it has parsed."""
    print_times("first view, nothing cached", [first_view(browser, url) for _ in range(VIEWS)])
    print_times("next page, first time", turns(browser, url, job_id))
    print_times("next page, its picture stored", turns(browser, url, job_id))
    for pane in (".sheet-scroll", ".tab-panel"):
        frames = scrolled(browser, url, job_id, pane)
        print_times(f"frames while {pane} with {BOXES} boxes scrolls", frames)
        print(f"  {sum(frame > SEEN_MS for frame in frames)} of {len(frames)} frames came later than {SEEN_MS} ms")


def print_times(what: str, times: Sequence[float]) -> None:
    ranked = sorted(times)
    middle, most = statistics.median(ranked), ranked[int(0.95 * (len(ranked) - 1))]
    print(f"{what}: p50 {middle:.0f} ms, p95 {most:.0f} ms, max {ranked[-1]:.0f} ms")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def fresh(browser: Browser) -> Iterator[Page]:
    """A page of a new profile, with nothing in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def first_view(browser: Browser, url: str) -> float:
    with fresh(browser) as page:
        page.goto(f"{url}/ui", wait_until="commit")
        return float(page.evaluate(FIRST_ROW))


def turns(browser: Browser, url: str, job_id: str) -> list[float]:
    """Times to each further page of the document."""
    with fresh(browser) as page:
        page.goto(f"{url}/ui#/jobs/{job_id}")
        page.wait_for_selector(".sheet img")
        pages = page.locator(".page-number").count()
        return [float(page.evaluate(TURN, number)) for number in range(2, pages + 1)]


def scrolled(browser: Browser, url: str, job_id: str, pane: str) -> list[float]:
    """Times between frames while a pane scrolls up and down, and the mouse is on it."""
    with fresh(browser) as page:
        page.route("**/results?*format=json", lambda route: route.fulfill(json=crowded()))
        page.goto(f"{url}/ui#/jobs/{job_id}")
        page.wait_for_selector(".sheet img")
        for _ in range(3):
            page.keyboard.press("+")
        page.hover(pane, position={"x": 200, "y": 200})
        return [float(frame) for frame in page.evaluate(SCROLL, [pane, SCROLLED_S])]


def crowded() -> dict[str, Any]:
    """A document with many boxes on its only page, as docling writes it."""
    columns, width, height = 5, 595.0, 842.0
    texts = []
    for number in range(BOXES):
        row, column = divmod(number, columns)
        left, top = 30.0 + 108 * column, height - 20 - 8 * row
        box = {"l": left, "r": left + 100, "t": top, "b": top - 6, "coord_origin": "BOTTOMLEFT"}
        place = {"page_no": 1, "bbox": box, "charspan": [0, 0]}
        texts.append({"self_ref": f"#/texts/{number}", "label": "text", "text": f"Cell {number}", "prov": [place]})
    body = {"self_ref": "#/body", "children": [{"$ref": text["self_ref"]} for text in texts]}
    pages = {"1": {"page_no": 1, "size": {"width": width, "height": height}}}
    return {"name": "crowded", "texts": texts, "tables": [], "body": body, "pages": pages}


if __name__ == "__main__":
    main()

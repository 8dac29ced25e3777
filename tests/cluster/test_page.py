"""The page for browsers over the whole service: one long document, from the drop to its picture."""

from __future__ import annotations

import base64
import re

from playwright.sync_api import Page, expect

from tests.browser import NewPage
from tests.browser import browser as browser
from tests.browser import new_page as new_page
from tests.unit.parser.files import make_pdf

#: Enough that pages are read long before the last one is parsed.
PAGES = 40

DROP = """([name, content]) => {
  const dropped = new DataTransfer();
  dropped.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name));
  window.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
}"""


def test_a_dropped_pdf_is_read_while_it_is_parsed_and_then_beside_its_picture(url: str, new_page: NewPage) -> None:
    page = new_page(f"{url}/ui")
    drop(page, "harbour-log.pdf")
    page.locator(".row", has_text="harbour-log.pdf").get_by_role("link").click()
    early = page.locator("main:has(.page-number.coming) .rendered", has_text="This is page")
    expect(early).to_be_visible(timeout=120_000)
    text = page.locator(".reading .item", has_text="This is page 1.")
    expect(text).to_be_visible(timeout=120_000)  # it has its box now: the job has ended
    box = page.get_by_role("button", name=re.compile("This is page 1\\."))
    text.hover()
    expect(box).to_have_class(re.compile("pointed"))
    page.get_by_role("tab", name="Content").hover()
    expect(text).not_to_have_class(re.compile("pointed"))
    box.hover()
    expect(text).to_have_class(re.compile("pointed"))
    picture = page.get_by_role("img", name="Page 1", exact=True)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500


def test_a_running_job_is_cancelled(url: str, new_page: NewPage) -> None:
    page = new_page(f"{url}/ui")
    drop(page, "unwanted.pdf")
    page.get_by_role("button", name="Cancel unwanted.pdf").click()
    expect(page.locator(".row", has_text="unwanted.pdf")).to_contain_text("Cancelled", timeout=120_000)


def drop(page: Page, name: str) -> None:
    page.evaluate(DROP, [name, base64.b64encode(make_pdf(PAGES)).decode()])

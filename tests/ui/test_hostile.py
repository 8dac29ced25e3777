"""Nothing that stands in a document runs in the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import NewPage
from tests.ui.documents import Maker
from tests.ui.server import PageServer

ATTACKS = [
    "<img src=x onerror=\"top.document.title='run'\">",
    "<script>top.document.title='run'</script>",
    "[click](javascript:document.title='run')",
    "![x](x\" onerror=\"document.title='run')",
    "<svg onload=\"top.document.title='run'\">",
    "<iframe srcdoc=\"<script>top.document.title='run'</script>\">",
]


@pytest.fixture
def hostile(server: PageServer) -> str:
    """A job with a document of attacks, in its text, its table and its HTML."""
    maker = Maker("hostile.pdf")
    for number, attack in enumerate(ATTACKS):
        maker.add(attack, 1, 60.0 + 30 * number)
    maker.add_table([ATTACKS[:2], ATTACKS[3:5]], 1, 400)
    document = maker.document(1)
    document.json["texts"][0]["hyperlink"] = "javascript:document.title='run'"
    document.exports["html"] = "<html><body><p>start</p>" + "".join(ATTACKS) + "</body></html>"
    server.documents["hostile.pdf"] = document
    return server.completed("hostile.pdf")


@pytest.mark.parametrize("tab", ["Content", "Markdown", "Tables", "JSON"])
def test_the_text_of_a_document_never_becomes_an_element(
    server: PageServer, new_page: NewPage, hostile: str, tab: str
) -> None:
    page = new_page(f"{server.url}/ui#/jobs/{hostile}")
    page.get_by_role("tab", name=tab).click()
    panel = page.locator("#tab-panel")
    if tab != "JSON":
        expect(panel).to_contain_text("<script>top.document.title='run'</script>")
    assert panel.locator("img, script, svg:not(.icon), iframe, a").count() == 0
    expect(page).to_have_title("hostile.pdf – docfleet")


def test_the_html_of_a_document_is_shown_in_a_frame_where_nothing_runs(
    server: PageServer, new_page: NewPage, hostile: str
) -> None:
    page = new_page(f"{server.url}/ui#/jobs/{hostile}", is_attacked=True)
    page.get_by_role("tab", name="HTML").click()
    expect(page.frame_locator("iframe").get_by_text("start")).to_be_visible()
    assert page.locator("iframe").get_attribute("sandbox") == ""
    expect(page).to_have_title("hostile.pdf – docfleet")

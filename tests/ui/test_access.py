"""The page for everybody: by keyboard, on a narrow screen, in dark and light, and as axe checks it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import NewPage
from tests.ui.server import PageServer

SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 390, "height": 844}}


def check(page: Page) -> None:
    """No finding of axe, its best practices included."""
    options = {"rules": {"heading-order": {"enabled": False}}}  # the levels are those of the document
    findings = Axe().run(page, options=options).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in findings] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(server: PageServer, new_page: NewPage, scheme: str, size: str) -> None:
    job_id = server.completed("report.pdf")
    server.submit_named("waiting.pdf")
    page = new_page(f"{server.url}/ui", color_scheme=scheme, viewport=SIZES[size], reduced_motion="reduce")
    expect(page.locator(".row")).to_have_count(2)
    check(page)
    page.goto(f"{server.url}/ui#/jobs/{job_id}/files/0/pages/1/items/1")
    if size == "narrow":
        page.get_by_role("button", name="Text", exact=True).click()
    for tab in ("Content", "Markdown", "Tables", "JSON", "Report"):
        page.get_by_role("tab", name=tab).click()
        check(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)


@pytest.mark.parametrize("view", ["home", "document"])
def test_nothing_is_wider_than_a_phone(server: PageServer, new_page: NewPage, view: str) -> None:
    job_id = server.completed("a_very_long_name_without_a_single_space_" * 4 + ".pdf")
    page = new_page(f"{server.url}/ui" + (f"#/jobs/{job_id}" if view == "document" else ""), viewport=SIZES["narrow"])
    page.locator(".row, .sheet").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["narrow"]["width"]


def test_a_document_is_read_by_keyboard_alone(server: PageServer, new_page: NewPage) -> None:
    server.completed("report.pdf")
    page = new_page(f"{server.url}/ui")
    page.get_by_role("link", name="report.pdf").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("First paragraph of page 1.")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("First paragraph of page 2.")).to_be_visible()
    page.keyboard.press("k")
    page.get_by_role("tab", name="Content").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Markdown")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")  # the panel
    page.keyboard.press("Tab")  # its first piece of text
    page.keyboard.press("ArrowDown")
    expect(page.locator(".box.pointed")).to_have_attribute("aria-label", "text: First paragraph of page 1.")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/pages/1/items/1$"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/pages/1$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

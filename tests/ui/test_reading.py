"""Read a document on the page: its pictures and boxes, its text, and links into it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import NewPage
from tests.ui.documents import Maker, paged, unpaged
from tests.ui.server import PageServer


@pytest.fixture
def report(server: PageServer, new_page: NewPage) -> Page:
    """A parsed report of three pages, opened."""
    job_id = server.completed("report.pdf")
    page = new_page(f"{server.url}/ui#/jobs/{job_id}")
    expect(page.get_by_text("First paragraph of page 1.")).to_be_visible()
    return page


def test_pointing_at_a_text_marks_its_box_and_pointing_at_a_box_marks_its_text(report: Page) -> None:
    text = report.locator(".reading .item", has_text="Second paragraph of page 1.")
    box = report.get_by_role("button", name="text: Second paragraph of page 1.")
    text.hover()
    expect(box).to_have_class(re.compile("pointed"))
    report.get_by_role("button", name="section header: Chapter 1").hover()
    expect(report.locator(".reading .item", has_text="Chapter 1")).to_have_class(re.compile("pointed"))
    expect(box).not_to_have_class(re.compile("pointed"))


def test_a_click_names_the_item_in_the_address_and_the_link_opens_there(report: Page, new_page: NewPage) -> None:
    report.get_by_role("button", name="Page 2", exact=True).click()
    report.get_by_role("button", name="text: First paragraph of page 2.").click()
    expect(report).to_have_url(re.compile(r"#/jobs/[\w-]+/files/0/pages/2/items/5$"))
    linked = new_page(report.url)
    chosen = linked.locator(".reading .item.chosen")
    expect(chosen).to_have_text("First paragraph of page 2.")
    expect(linked.locator(".box.chosen")).to_be_visible()


def test_a_link_to_an_item_far_down_scrolls_to_it(server: PageServer, new_page: NewPage) -> None:
    maker = Maker("long.pdf")
    for number in range(200):
        maker.add(f"Line {number}", 1, 4.0 * number, height=3.0)
    server.documents["long.pdf"] = maker.document(1)
    job_id = server.completed("long.pdf")
    page = new_page(f"{server.url}/ui#/jobs/{job_id}/files/0/pages/1/items/190")
    expect(page.locator(".reading .item.chosen")).to_be_in_viewport()


def test_a_label_can_be_switched_off_and_the_reading_order_shown(report: Page) -> None:
    expect(report.locator(".box.label-table")).to_have_count(1)
    report.get_by_role("button", name="table", exact=True).click()
    expect(report.locator(".box.label-table")).to_have_count(0)
    report.keyboard.press("o")
    expect(report.locator(".order text")).to_have_text(["1", "2", "3"])


def test_every_tab_shows_the_document(report: Page) -> None:
    report.get_by_role("tab", name="Markdown").click()
    report.get_by_role("button", name="Text", exact=True).click()
    expect(report.locator("pre.source")).to_contain_text("First paragraph of page 1.")
    report.get_by_role("tab", name="HTML").click()
    expect(report.frame_locator("iframe").locator("p")).to_have_text("exported")
    report.get_by_role("tab", name="Tables").click()
    expect(report.get_by_role("region", name="Table 3").get_by_role("cell", name="3 %")).to_be_visible()
    report.get_by_role("tab", name="JSON").click()
    report.locator(".tree").get_by_text("texts").click()
    expect(report.locator(".tree")).to_contain_text("[9]")
    report.get_by_role("tab", name="Report").click()
    expect(report.get_by_text("Nothing is missing")).to_be_visible()


def test_pointing_at_a_chunk_marks_the_boxes_of_its_items(report: Page) -> None:
    report.get_by_role("tab", name="Chunks").click()
    expect(report.get_by_text("3 of 9 chunks on this page")).to_be_visible()
    report.locator(".chunk", has_text="Second paragraph of page 1.").hover()
    expect(report.locator(".box.pointed")).to_have_attribute("aria-label", "text: Second paragraph of page 1.")


def test_a_table_is_copied_as_csv(server: PageServer, new_page: NewPage) -> None:
    maker = Maker("table.pdf")
    maker.add_table([["Name", 'Said "so"'], ["Ferry, large", "=1+1"], ["-5 %", "ü"]], 1, 100)
    server.documents["table.pdf"] = maker.document(1)
    job_id = server.completed("table.pdf")
    page = new_page(f"{server.url}/ui#/jobs/{job_id}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Tables").click()
    page.get_by_role("button", name="CSV").click()
    expect(page.locator(".toast")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == 'Name,"Said ""so"""\r\n"Ferry, large",\'=1+1\r\n-5 %,ü'


def test_lost_pages_and_warnings_are_told_on_the_page_they_are_about(server: PageServer, new_page: NewPage) -> None:
    document = paged("report.pdf")
    document.pages_failed = [{"page_number": 2, "reason": "page_failed"}]
    document.warnings = [{"code": "words_lost", "message": "3 words are missing", "page_number": 3}]
    server.documents["report.pdf"] = document
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('report.pdf')}")
    expect(page.get_by_role("button", name="Page 2: page_failed")).to_be_visible()
    page.get_by_role("tab", name="Report 2").click()
    expect(page.get_by_text("3 words are missing")).to_be_visible()
    page.locator(".report").get_by_role("button", name="Page 3").click()
    expect(page.get_by_role("button", name="Page 3: 3 words are missing")).to_have_attribute("aria-current", "page")


def test_a_format_without_pages_shows_its_content_alone(server: PageServer, new_page: NewPage) -> None:
    server.documents["notes.md"] = unpaged("notes.md", ["One thought.", "Another."])
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('notes.md')}")
    expect(page.locator(".reading .item")).to_have_text(["One thought.", "Another."])
    expect(page.locator(".page-pane")).to_have_count(0)


@pytest.mark.parametrize("told_by", ["kind", "server"])
def test_a_format_with_pages_but_without_pictures_shows_its_content_alone(
    server: PageServer, new_page: NewPage, told_by: str
) -> None:
    slides = paged("slides.pptx")
    slides.has_pictures = False
    if told_by == "kind":
        kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        slides.json["origin"] = {"mimetype": kind}
    server.documents["slides.pptx"] = slides
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('slides.pptx')}")
    expect(page.get_by_text("First paragraph of page 1.")).to_be_visible()
    expect(page.locator(".page-pane")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.get_by_text("First paragraph of page 2.")).to_be_visible()
    expect(page.locator(".page-pane")).to_have_count(0)


def test_search_finds_the_words_on_any_page_and_goes_there(report: Page) -> None:
    report.keyboard.press("/")
    report.keyboard.type("second  PARAGRAPH of page 3")
    expect(report.locator(".hits")).to_contain_text("1 found")
    report.keyboard.press("Enter")
    expect(report).to_have_url(re.compile("/pages/3/items/10$"))
    expect(report.locator(".reading .item.chosen")).to_have_text("Second paragraph of page 3.")


def test_the_request_for_a_result_can_be_copied_for_each_kind_of_program(server: PageServer, new_page: NewPage) -> None:
    job_id = server.completed("report.pdf")
    page = new_page(f"{server.url}/ui#/jobs/{job_id}", permissions=["clipboard-read", "clipboard-write"])
    page.locator("summary", has_text="Request").click()
    page.get_by_label("Format").select_option("html")
    request = page.locator(".request pre")
    for language, start in [("CLI", "docfleet results"), ("Python", "from client import"), ("curl", "curl ")]:
        page.get_by_role("button", name=language, exact=True).click()
        expect(request).to_have_text(re.compile(f"^{start}.*{job_id}", re.DOTALL))
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".toast")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == request.text_content()


def test_a_document_of_three_hundred_pages_is_turned_at_once(server: PageServer, new_page: NewPage) -> None:
    server.documents["long.pdf"] = paged("long.pdf", 300)
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('long.pdf')}")
    page.get_by_role("button", name="Page 300", exact=True).click()
    expect(page.get_by_text("First paragraph of page 300.")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_text("First paragraph of page 299.")).to_be_visible()


def test_the_page_is_zoomed_by_key(report: Page) -> None:
    sheet = report.locator(".sheet")
    before = sheet.evaluate("sheet => sheet.clientWidth")
    report.keyboard.press("+")
    expect(report.get_by_role("button", name="125 %")).to_be_visible()
    assert sheet.evaluate("sheet => sheet.clientWidth") > before
    report.keyboard.press("0")
    expect(report.get_by_role("button", name="100 %")).to_be_visible()


def test_the_strip_of_pages_tells_how_sure_the_models_were(server: PageServer, new_page: NewPage) -> None:
    document = paged("report.pdf", 2)
    scores = dict.fromkeys(("parse_score", "layout_score", "table_score", "ocr_score", "mean_score"), 0.5)
    poor, good = {**scores, "low_grade": "poor"}, {**scores, "low_grade": "good"}
    document.confidence = {**poor, "pages": {"1": good, "2": poor}}
    server.documents["report.pdf"] = document
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('report.pdf')}")
    expect(page.get_by_role("button", name="Page 1: confidence: good")).to_be_visible()
    expect(page.get_by_role("button", name="Page 2: confidence: poor")).to_be_visible()
    page.get_by_role("tab", name="Report").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(4)  # head, two pages, all


def test_a_download_has_the_name_of_the_file(report: Page, tmp_path: Path) -> None:
    report.get_by_text("Download").click()
    with report.expect_download() as download:
        report.get_by_role("button", name="Markdown", exact=True).click()
    assert download.value.suggested_filename == "report.pdf.md"
    assert "First paragraph of page 3." in Path(download.value.path()).read_text()


def test_a_job_that_does_not_exist_is_said_to_be_missing(server: PageServer, new_page: NewPage) -> None:
    page = new_page(f"{server.url}/ui#/jobs/nope")
    expect(page.get_by_text("Job nope not found")).to_be_visible()
    page.get_by_role("link", name="Back to the jobs").last.click()
    expect(page.get_by_role("heading", name="Drop documents here")).to_be_visible()

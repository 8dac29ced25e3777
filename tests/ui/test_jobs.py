"""Submit files on the page, and follow jobs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from client.keys import digest, new_key
from client.options import ENRICHMENTS
from tests.browser import NewPage
from tests.ui.documents import paged
from tests.ui.server import PageServer
from tests.waiting import eventually

#: Makes the browser believe that these files were dropped.
DROP = """(files) => {
  const dropped = new DataTransfer();
  for (const [name, text] of files) dropped.items.add(new File([text], name));
  window.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def home(server: PageServer, new_page: NewPage) -> Page:
    page = new_page(f"{server.url}/ui")
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    return page


def row(page: Page, name: str) -> Any:
    return page.locator(".row", has_text=name)


def test_a_dropped_file_becomes_a_job_whose_pages_come_in(home: Page, server: PageServer) -> None:
    home.evaluate(DROP, [["report.pdf", "content"]])
    expect(row(home, "report.pdf")).to_contain_text("Waiting")
    [job_id] = server.begin()
    server.report(job_id, [1])
    expect(row(home, "report.pdf")).to_contain_text("1 of 3 pages")
    row(home, "report.pdf").get_by_role("link").click()
    expect(home.get_by_text("First paragraph of page 1.")).to_be_visible()
    home.get_by_role("button", name="Page 2: not parsed yet").click()
    expect(home.get_by_text("This page is on its way.")).to_be_visible()
    server.report(job_id, [1, 2])
    expect(home.get_by_text("First paragraph of page 2.")).to_be_visible()
    server.complete(job_id)
    expect(home.locator(".box").first).to_be_visible()
    home.get_by_role("link", name="Back to the jobs").click()
    expect(row(home, "report.pdf")).to_contain_text("Done")


def test_chosen_files_become_one_job(home: Page, tmp_path: Path) -> None:
    names = ["one.pdf", "two.md", "no.xyz"]
    for name in names:
        (tmp_path / name).write_bytes(b"content")
    with home.expect_file_chooser() as chooser:
        home.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([tmp_path / name for name in names])
    expect(row(home, "one.pdf")).to_contain_text("and 1 more file")
    expect(home.locator(".left-out")).to_contain_text("no.xyz: this server does not read its kind")


def test_a_chosen_folder_becomes_one_job(home: Page, tmp_path: Path) -> None:
    (tmp_path / "papers" / "inner").mkdir(parents=True)
    for name in ("papers/one.pdf", "papers/inner/two.md", "papers/.hidden.md"):
        (tmp_path / name).write_bytes(b"content")
    with home.expect_file_chooser() as chooser:
        home.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(tmp_path / "papers")
    expect(home.locator(".row .names")).to_contain_text("and 1 more file")


def test_a_pasted_file_becomes_a_job(home: Page) -> None:
    home.evaluate(DROP.replace("DragEvent", "ClipboardEvent").replace('"drop"', '"paste"').replace(
        "dataTransfer: dropped", "clipboardData: dropped"), [["pasted.png", "content"]])  # fmt: skip
    expect(row(home, "pasted.png")).to_be_visible()


def test_a_document_on_the_web_is_named_by_its_address(home: Page) -> None:
    field = home.get_by_role("textbox", name="The address of a document on the web")
    field.fill("https://example.org/papers/one.pdf")
    home.get_by_role("button", name="Fetch").click()
    expect(row(home, "one.pdf")).to_be_visible()
    expect(field).to_have_value("")
    field.fill("http://127.0.0.1/private.pdf")
    home.get_by_role("button", name="Fetch").click()
    expect(home.get_by_role("alert")).to_contain_text("sources.0.url leads to")


def test_a_file_that_is_dropped_on_an_open_document_is_parsed_too(server: PageServer, new_page: NewPage) -> None:
    page = new_page(f"{server.url}/ui#/jobs/{server.completed('report.pdf')}")
    expect(page.get_by_text("First paragraph of page 1.")).to_be_visible()
    page.evaluate(DROP, [["other.pdf", "content"]])
    expect(row(page, "other.pdf")).to_be_visible()


def test_the_list_tells_the_queue_place_and_what_to_look_at(home: Page, server: PageServer) -> None:
    document = paged("report.pdf")
    server.documents["report.pdf"] = document
    server.complete(server.submit_named("report.pdf"), words_lost=3, grade="poor")
    server.submit_named("waiting.pdf")
    expect(row(home, "waiting.pdf")).to_contain_text("Waiting, place 1")
    expect(row(home, "report.pdf")).to_contain_text("3 words lost")
    expect(row(home, "report.pdf")).to_contain_text("poor confidence")
    expect(row(home, "report.pdf").locator("time")).to_have_text("now")


def test_chosen_options_go_along_with_the_files(home: Page, server: PageServer) -> None:
    home.locator(".options summary").click()
    home.get_by_label("Find tables").select_option("off")
    home.get_by_label("Pages", exact=True).fill("2-3")
    home.get_by_label("Pages", exact=True).press("Tab")
    home.get_by_label("furniture").check()
    home.evaluate(DROP, [["report.pdf", "content"]])
    expect(row(home, "report.pdf")).to_be_visible()
    [job_id] = server.begin()
    options = server.options(job_id)
    assert (options.do_table_structure, options.page_range) == (False, (2, 3))
    assert options.content == ("body", "furniture", "notes")


def test_options_are_in_the_form_where_the_server_has_their_models(home: Page) -> None:
    home.locator(".options summary").click()
    expect(home.get_by_label("Attachments of mails")).to_be_visible()
    labels = ["Describe pictures with", "Describe all but these classes", "Read formulas as LaTeX"]
    assert [home.get_by_label(label).count() for label in labels] == [0, 0, 0]

    def with_models(route: Route) -> None:
        models = {"model_endpoints": {"qwen": ["picture"], "granite": ["page"]}, "enrichments": list(ENRICHMENTS)}
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | models)

    home.route("**/options", with_models)
    home.reload()
    home.locator(".options summary").click()
    assert [home.get_by_label(label).count() for label in labels] == [1, 1, 1]
    endpoints = home.get_by_label("Describe pictures with").locator("option")
    assert endpoints.all_text_contents() == ["Default", "qwen"]


def test_jobs_of_other_programs_appear_without_a_reload_and_stay_after_one(home: Page, server: PageServer) -> None:
    job_id = server.submit_named("report.pdf")
    expect(row(home, "report.pdf")).to_be_visible()
    home.reload()
    expect(row(home, "report.pdf")).to_contain_text("Waiting")
    server.complete(job_id)
    expect(row(home, "report.pdf")).to_contain_text("Done")


def test_a_job_that_comes_while_the_list_is_on_its_way_is_listed(server: PageServer, new_page: NewPage) -> None:
    held: list[tuple[Route, APIResponse]] = []
    page = new_page(f"{server.url}/livez")
    page.route(re.compile(r"/jobs\?"), lambda route: held.append((route, route.fetch())))
    with page.expect_request(re.compile(r"/jobs\?")):
        page.goto(f"{server.url}/ui")
    eventually(lambda: page.evaluate("true") and held, what="the answer")  # Playwright calls handlers meanwhile
    other_tab = new_page(f"{server.url}/ui")
    expect(other_tab.get_by_text("No jobs yet.")).to_be_visible()
    server.submit_named("early.pdf")
    expect(row(other_tab, "early.pdf")).to_be_visible()
    for route, answer in held:
        route.fulfill(response=answer)
    expect(row(page, "early.pdf")).to_be_visible()


def test_a_waiting_job_is_cancelled_and_deleted(home: Page, server: PageServer) -> None:
    server.submit_named("report.pdf")
    row(home, "report.pdf").get_by_role("button", name="Cancel report.pdf").click()
    expect(row(home, "report.pdf")).to_contain_text("Cancelled")
    home.once("dialog", lambda dialog: dialog.accept())
    row(home, "report.pdf").get_by_role("button", name="Delete report.pdf").click()
    expect(row(home, "report.pdf")).to_have_count(0)


def test_the_list_is_filtered_by_state_and_by_name(home: Page, server: PageServer) -> None:
    server.completed("done.pdf")
    server.submit_named("waiting.pdf")
    expect(home.locator(".row")).to_have_count(2)
    home.get_by_role("button", name="Waiting", exact=True).click()
    expect(home.locator(".row .names")).to_have_text(["waiting.pdf"])
    home.get_by_role("button", name="All", exact=True).click()
    home.get_by_role("searchbox").fill("DONE")
    expect(home.locator(".row .names")).to_have_text(["done.pdf"])


def test_a_job_of_another_program_is_parsed_again_with_other_options(
    home: Page, server: PageServer, new_page: NewPage
) -> None:
    first = server.completed("report.pdf")
    other_tab = new_page(f"{server.url}/ui")
    other_tab.get_by_role("button", name="Parse report.pdf again").click()
    dialog = other_tab.get_by_role("dialog", name="Parse again")
    dialog.get_by_label("Find tables").select_option("off")
    dialog.get_by_role("button", name="Parse again").click()
    expect(dialog).to_have_count(0)
    expect(row(home, "report.pdf")).to_have_count(2)
    [job_id] = server.begin()
    assert job_id != first
    assert server.options(job_id).do_table_structure is False
    assert other_tab.locator(".options .number").count() == 0  # later files are parsed as before


def test_an_open_document_is_parsed_again_as_a_new_job_that_opens(server: PageServer, new_page: NewPage) -> None:
    job_id = server.completed("report.pdf")
    page = new_page(f"{server.url}/ui#/jobs/{job_id}")
    page.get_by_role("button", name="Parse report.pdf again").click()
    page.get_by_role("dialog").get_by_role("button", name="Parse again").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    assert job_id not in page.url


def test_files_that_are_no_longer_kept_are_told_in_the_words_of_the_server(home: Page, server: PageServer) -> None:
    job_id = server.completed("report.pdf")
    server.drop_inputs(job_id)
    home.get_by_role("button", name="Parse report.pdf again").click()
    dialog = home.get_by_role("dialog")
    dialog.get_by_role("button", name="Parse again").click()
    expect(dialog.get_by_role("alert")).to_contain_text("KEEP_INPUTS")
    expect(dialog.get_by_role("alert")).to_contain_text("Request")


def test_an_option_with_options_of_its_own_is_switched_on_and_filled_in(home: Page, server: PageServer) -> None:
    home.locator(".options summary").click()
    home.get_by_label("Make chunks at once").check()
    home.get_by_label("Cut by").select_option("page")
    home.get_by_label("Most tokens").fill("300")
    home.get_by_label("Most tokens").press("Tab")
    home.evaluate(DROP, [["report.pdf", "content"]])
    expect(row(home, "report.pdf")).to_be_visible()
    [job_id] = server.begin()
    chunks = server.options(job_id).chunks
    assert chunks is not None
    assert (chunks.chunker, chunks.max_tokens) == ("page", 300)


def test_an_option_that_is_no_number_is_refused_with_its_name(home: Page) -> None:
    home.locator(".options summary").click()
    home.get_by_label("Pages", exact=True).fill("first")
    home.get_by_label("Pages", exact=True).press("Tab")
    home.evaluate(DROP, [["report.pdf", "content"]])
    expect(home.get_by_role("alert")).to_contain_text("page_range")


def test_a_wrong_key_is_refused_in_the_words_of_the_server_and_a_right_one_is_kept(
    tmp_path: Path, new_page: NewPage
) -> None:
    key = new_key()
    server = PageServer(tmp_path / "guarded", api_keys=f"me:{digest(key)}")
    try:
        server.submit_named("mine.pdf", key=key)
        page = new_page(f"{server.url}/ui")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Send an API key")
        dialog.get_by_label("Key").fill("wrong")
        dialog.get_by_role("button", name="Use this key").click()
        expect(dialog).to_contain_text("The API key is wrong or revoked")
        dialog.get_by_label("Key").fill(key)
        dialog.get_by_role("button", name="Use this key").click()
        expect(row(page, "mine.pdf")).to_be_visible()
        page.reload()
        expect(row(page, "mine.pdf")).to_be_visible()
        assert key not in page.content()
        assert key not in page.url
    finally:
        server.stop()


def test_a_server_that_restarts_is_noticed_and_the_list_goes_on_by_itself(home: Page, server: PageServer) -> None:
    server.submit_named("before.pdf")
    expect(row(home, "before.pdf")).to_be_visible()
    server.stop()
    expect(home.get_by_text("The connection is lost.")).to_be_visible()
    server.start()
    server.submit_named("after.pdf")
    expect(row(home, "after.pdf")).to_be_visible()
    expect(home.get_by_text("The connection is lost.")).to_have_count(0)


def test_an_open_document_goes_on_after_a_restart_of_the_server(server: PageServer, new_page: NewPage) -> None:
    job_id = server.submit_named("report.pdf")
    server.begin()
    server.report(job_id, [1])
    page = new_page(f"{server.url}/ui#/jobs/{job_id}")
    expect(page.get_by_text("First paragraph of page 1.")).to_be_visible()
    server.stop()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    server.start()
    server.complete(job_id)
    expect(page.locator(".box").first).to_be_visible()
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)


def test_a_job_that_ends_while_its_pages_are_asked_for_is_shown_whole(server: PageServer, new_page: NewPage) -> None:
    held: list[tuple[Route, APIResponse]] = []
    job_id = server.submit_named("report.pdf")
    server.begin()
    server.report(job_id, [1])
    page = new_page(f"{server.url}/livez")
    partial = re.compile(r"partial=true")
    page.route(partial, lambda route: held.append((route, route.fetch())))
    with page.expect_request(partial):
        page.goto(f"{server.url}/ui#/jobs/{job_id}")
    eventually(lambda: page.evaluate("true") and held, what="the answer")  # Playwright calls handlers meanwhile
    server.complete(job_id)
    expect(page.get_by_text("Done:")).to_be_attached()
    for route, answer in held:
        route.fulfill(response=answer)
    expect(page.locator(".box").first).to_be_visible()


def test_an_error_is_shown_with_its_request_id(home: Page, server: PageServer) -> None:
    server.completed("report.pdf")
    job_id = home.locator(".row").get_attribute("data-job")
    row(home, "report.pdf").wait_for()
    home.route(
        f"**/jobs/{job_id}",
        lambda route: route.fulfill(
            status=503,
            content_type="application/problem+json",
            body='{"detail": "The blob store does not answer", "code": "store_unavailable", "request_id": "r-17"}',
        ),
    )
    home.once("dialog", lambda dialog: dialog.accept())
    home.get_by_role("button", name="Delete report.pdf").click()
    alert = home.get_by_role("alert")
    expect(alert).to_contain_text("The blob store does not answer")
    expect(alert).to_contain_text("Request r-17")


def test_ten_thousand_jobs_are_paged_through(server: PageServer, new_page: NewPage) -> None:
    server.fill(10_000)
    page = new_page(f"{server.url}/ui")
    expect(page.locator(".row")).to_have_count(50)
    page.locator(".row").last.scroll_into_view_if_needed()
    expect(page.locator(".row")).to_have_count(100)
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("No job matches.")).to_be_visible()


def test_a_name_with_markup_is_text(home: Page) -> None:
    name = '<img src=x onerror="document.title=1">.pdf'
    home.evaluate(DROP, [[name, "content"]])
    expect(row(home, "onerror")).to_contain_text(re.compile(r"<img src=x onerror=.*\.pdf"))
    expect(home).to_have_title("docfleet")
    assert home.locator("img").count() == 0

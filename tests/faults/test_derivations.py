"""A parser that dies while it makes a derivation, here the picture of a page."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.faults.conftest import PATIENCE_S
from tests.faults.test_bad_pages import ended, result, submit
from tests.waiting import eventually

PAGE = "/jobs/{}/files/0/pages/1.png"


def test_a_client_does_not_notice_that_the_parser_of_its_picture_was_killed(
    http: httpx.Client, short_folder: Path
) -> None:
    drawing = short_folder / "faults" / "drawing"
    job = submit(http, "1 draw_once_killed")
    ended(http, job)
    with ThreadPoolExecutor() as pool:
        picture = pool.submit(http.get, PAGE.format(job))
        eventually(drawing.exists, within_s=PATIENCE_S, what="a parser that draws")
        os.kill(int(drawing.read_text()), signal.SIGKILL)
        answer = picture.result(timeout=PATIENCE_S)
    assert (answer.status_code, answer.text) == (200, "1 draw_once_killed")


def test_a_picture_that_kills_its_parsers_is_unavailable_and_everything_else_goes_on(http: httpx.Client) -> None:
    job, other = submit(http, "1 draw_crash"), submit(http, "1")
    ended(http, job)
    answer = http.get(PAGE.format(job))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["detail"] == "The parser died while it worked on this request. Send the request again"
    assert result(http, other)["success"]
    eventually(
        lambda: http.get(PAGE.format(other)).content == b"1", within_s=PATIENCE_S, every_s=0.2, what="another picture"
    )

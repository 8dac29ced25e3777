"""The error tree: what old `except` clauses catch, and what survives a process boundary."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import httpx
import pytest

from client import errors
from client.models import ErrorCode

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, errors.ClientError)]


@pytest.mark.parametrize(
    ("error", "caught_by"),
    [
        (errors.MissingFile, FileNotFoundError),
        (errors.JobTimeout, TimeoutError),
        (errors.RequestTimeout, TimeoutError),
        (errors.JobFailed, RuntimeError),
        (errors.JobCancelled, RuntimeError),
        (errors.ConnectionFailed, ConnectionError),
        (errors.WebhookInvalid, ValueError),
    ],
)
def test_old_except_clauses_still_catch(error: type[Exception], caught_by: type[Exception]) -> None:
    assert issubclass(error, caught_by)


def test_every_class_is_drawn_in_the_tree_below_its_base() -> None:
    tree = (errors.__doc__ or "").splitlines()
    depth = {line.split("── ")[1].split()[0]: line.index("──") for line in tree if "── " in line}
    assert {item.__name__ for item in CLASSES} == set(depth) | {"ClientError"}
    for item in CLASSES:
        parent = depth.get(item.__bases__[0].__name__, -4)
        assert item is errors.ClientError or depth[item.__name__] > parent


@pytest.mark.parametrize(
    "error",
    [
        errors.MissingFile(Path("a.pdf")),
        errors.JobNotFound(404, "no such job", "job_not_found", "r1"),
        errors.JobFailed("j1", "poison", "poison"),
        errors.JobTimeout("j1", 5.0),
        errors.FileFailed("a.pdf", "not a PDF", "invalid_file"),
        errors.ConnectionFailed("cannot reach it"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


REQUEST = httpx.Request("GET", "http://server/jobs/j1")
REFUSALS = [code for code in ErrorCode if list(ErrorCode).index(code) <= list(ErrorCode).index(ErrorCode.INTERNAL)]


@pytest.mark.parametrize("code", REFUSALS)
def test_every_code_of_a_refusal_is_kept(code: ErrorCode) -> None:
    error = errors.error_from(httpx.Response(418, json={"detail": "d", "code": code.value}, request=REQUEST))
    assert (error.code, error.detail, error.status) == (code, "d", 418)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2]", b'"text"', b"{}"])
def test_answer_without_a_problem_still_has_a_detail(body: bytes) -> None:
    error = errors.error_from(httpx.Response(503, content=body, headers={"x-request-id": "r9"}, request=REQUEST))
    assert type(error) is errors.Unavailable
    assert error.detail == "Service Unavailable"
    assert (error.code, error.request_id) == (None, "r9")


def test_bare_404_of_a_proxy_is_no_word_about_the_job() -> None:
    bare = errors.error_from(httpx.Response(404, text="Path '/jobs/j1' not found", request=REQUEST))
    assert type(bare) is errors.Unavailable
    assert "http://server/jobs/j1" in bare.detail
    own = errors.error_from(httpx.Response(404, json={"detail": "Job j1 not found"}, request=REQUEST))
    assert type(own) is errors.NotFound

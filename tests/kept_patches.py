"""What a test puts in the place of a library's function or class ends with the test, unless a module that is imported
meanwhile takes it by name. Then all later tests of the process get it, and which tests those are is chance."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, MethodType

TESTS = "tests."


def kept(modules: Iterable[str]) -> list[str]:
    """The functions and classes of tests that these modules have, as `module.name`."""
    return [f"{module}.{name}" for module in modules if not module.startswith(TESTS) for name in _of_tests(module)]


def _of_tests(module: str) -> Iterator[str]:
    for name, value in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
        # Its type comes first: what a library imports lazily would import itself at any other question.
        if issubclass(type(value), (type, FunctionType, MethodType)) and str(value.__module__).startswith(TESTS):
            yield name

"""Which tests run in one process, one after another, where `make test` has several."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

#: The tests of each of these folders share something that takes seconds to start: a service, or a browser. They take
#: longest, so they begin first, in this order.
SHARED = ("tests/cluster", "tests/ui")

#: A file of these folders that starts services of its own.
APART = ("tests/cluster/test_local_service.py",)


def scope_of(nodeid: str) -> str:
    """The folder or the file whose tests run in the process of this test."""
    file, _, _ = nodeid.partition("::")
    folder, _, _ = file.rpartition("/")
    return folder if folder in SHARED and file not in APART else file


def turn_of(nodeid: str) -> tuple[bool, int]:
    """What to sort tests by, so that the scopes which take longest begin first."""
    scope = scope_of(nodeid)
    return (scope not in SHARED, SHARED.index(scope) if scope in SHARED else 0)


class Scopes(LoadFileScheduling):
    """Gives each process a scope, and the next one when it has nearly done that. Its order is that of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

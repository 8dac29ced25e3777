"""The number of live parsers.

Serve creates routers itself and does not expose them, so each router registers itself here. Serve also pickles the
router's class by value, with its own copy of its module. This module is not copied, so a process has only one.
"""

from __future__ import annotations

from weakref import WeakValueDictionary

from ray.serve.request_router import RequestRouter

_routers: WeakValueDictionary[str, RequestRouter] = WeakValueDictionary()


def is_routed_by(app: str, router: RequestRouter) -> None:
    """Register `router` as the one that knows the parsers of `app`."""
    _routers[app] = router


def running_replicas(app: str) -> int:
    """The number of `app`'s parsers that this process can call.

    Serve pushes every change to its routers, so this costs nothing. `serve.status()` would cost 15 ms here and in the
    controller, which describes everything it runs.
    """
    router = _routers.get(app)
    return len(router.curr_replicas) if router else 0

"""The parsing fleet. `connect()` is its door for Python programs on the same Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.driver import Fleet

__all__ = ["connect"]


def connect(app: str = "docfleet", *, max_in_flight: int = 64) -> Fleet:
    """The running application `app`, as `actors.driver.Fleet` explains it. Joins the Ray cluster if need be.

    Raises FleetUnavailable when there is no cluster, or no such application on it.
    """
    from actors.driver import Fleet  # brings Ray, which reads its environment when it is imported

    return Fleet(app, max_in_flight)

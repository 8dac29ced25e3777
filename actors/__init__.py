"""The parsing fleet. Python programs on the same Ray cluster start with `connect()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.driver import Fleet

__all__ = ["connect"]


def connect(app: str = "docfleet", *, max_in_flight: int = 64) -> Fleet:
    """Connect to the running application `app`; see `actors.driver.Fleet`. Joins the Ray cluster if necessary.

    Raises FleetUnavailable when there is no cluster, or no such application on it.
    """
    from actors.driver import Fleet  # imports Ray, which reads its environment at that moment

    return Fleet(app, max_in_flight)

"""The engine that most tests of this folder ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.models import ParseOptions

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Warm, and without models unless a test asks for some."""
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    made = Engine(ParseOptions(profile="native"), Hardware(threads=1, device="cpu"))
    made.warm_up()
    return made

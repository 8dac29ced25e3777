"""The application with parsers that break, for `serve deploy`."""

# Annotations stay objects in this file: Serve reads `build`'s to make Settings of a config's `args:`.
from ray.serve import Application

from serve_app.app import compose
from serve_app.settings import Settings
from tests.faults.engine import FaultyEngine


def build(args: Settings) -> Application:
    return compose(args, FaultyEngine)

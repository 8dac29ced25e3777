"""What `serve deploy` hands to the application's builder."""

import inspect
from pathlib import Path

import yaml

from serve_app.app import build
from serve_app.settings import Settings

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "serve_config.yaml").read_text())


def test_serve_config_args_are_settings() -> None:
    (application,) = CONFIG["applications"]
    assert set(application["args"]) <= set(Settings.model_fields)
    assert Settings.model_validate(application["args"]).model_dump(include=set(application["args"]))


def test_the_annotation_of_the_builder_is_a_class() -> None:
    """Serve looks at the annotation as it stands: a string there would hand the builder a bare dict."""
    (parameter,) = inspect.signature(build).parameters.values()
    assert parameter.annotation is Settings

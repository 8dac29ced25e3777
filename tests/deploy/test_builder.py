"""What `serve deploy` hands to the application's builder."""

import inspect
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from serve_app.app import build
from serve_app.settings import Settings

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "serve_config.yaml").read_text())


def test_serve_config_args_are_settings() -> None:
    (application,) = CONFIG["applications"]
    args = application["args"]
    settings = Settings.model_validate(args)
    assert {name: getattr(settings, name) for name in args} == args


def test_an_argument_that_is_no_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="parser_max_replica"):
        Settings.model_validate({"parser_max_replica": 4})


def test_the_annotation_of_the_builder_is_a_class() -> None:
    """Serve looks at the annotation as it stands: a string there would hand the builder a bare dict."""
    (parameter,) = inspect.signature(build).parameters.values()
    assert parameter.annotation is Settings

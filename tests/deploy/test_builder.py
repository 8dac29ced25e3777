"""What `serve deploy` hands to the application's builder."""

import inspect
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from serve_app.app import build
from serve_app.settings import ServeArguments

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
CONFIG = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "serve_config.yaml").read_text())


def test_serve_config_args_are_settings() -> None:
    (application,) = CONFIG["applications"]
    args = application["args"]
    settings = ServeArguments.model_validate(args)
    assert {name: getattr(settings, name) for name in args} == args


def test_an_argument_that_is_no_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="parser_max_replica"):
        ServeArguments.model_validate({"parser_max_replica": 4})


@pytest.mark.parametrize(
    "secret",
    [
        {"webhook_secret": SECRET},
        {"api_keys": "alice:" + "0" * 64},
        {"database_url": "postgresql+psycopg://docfleet:hunter2@db/docfleet"},
    ],
    ids=lambda secret: next(iter(secret)),
)
def test_a_secret_among_the_arguments_is_refused_and_not_repeated(secret: dict[str, str]) -> None:
    """Ray logs them."""
    [(name, value)] = secret.items()
    with pytest.raises(ValueError, match=f"{name.upper()} in the environment of every node") as caught:
        ServeArguments.model_validate(secret)
    assert value not in str(caught.value)


def test_secrets_of_the_environment_go_with_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    settings = ServeArguments.model_validate({"database_url": "postgresql+psycopg://db/docfleet"})
    assert settings.webhook_secret.get_secret_value() == SECRET
    assert settings.database_url == "postgresql+psycopg://db/docfleet"


def test_the_annotation_of_the_builder_is_a_class() -> None:
    """Serve looks at the annotation as it stands: a string there would hand the builder a bare dict."""
    (parameter,) = inspect.signature(build).parameters.values()
    assert parameter.annotation is ServeArguments

"""A model endpoint on the loopback, and the process that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from actors.endpoints import ModelEndpoint
from actors.questions import Questions
from actors.remote_models.models import RemoteModels, RemoteModelsConfig
from tests.model_endpoint import BASE_WIDTH, HEIGHT, SCALE, FakeModel, picture, running

KEY = "sk-a-secret-of-the-operator"


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with running(FakeModel()) as model:
        yield model


@dataclass
class Clock:
    """Time that passes when somebody sleeps, and not else. `slept` are the pauses."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pages(*numbers: int, form: Any = "doctags") -> Questions:
    """Questions about these pages."""
    pictures = {number: picture((BASE_WIDTH + number) * SCALE, HEIGHT * SCALE) for number in numbers}
    return Questions(endpoint="granite", prompt="Convert", pictures=pictures, params={"temperature": 0.0}, form=form)


class Asking(Protocol):
    def __call__(self, clock: Clock | None = None, **endpoint: Any) -> RemoteModels:
        """The endpoint `granite` at the fake model, asked with a key. A clock replaces the real time."""
        ...


@pytest.fixture
async def asking(model: FakeModel) -> AsyncIterator[Asking]:
    made: list[RemoteModels] = []

    def make(clock: Clock | None = None, **endpoint: Any) -> RemoteModels:
        granite = ModelEndpoint(url=model.url, model="granite-docling", **endpoint)
        config = RemoteModelsConfig(endpoints={"granite": granite}, keys={"granite": KEY})
        made.append(RemoteModels(config, clock=clock, sleep=clock.sleep) if clock else RemoteModels(config))
        return made[-1]

    yield make
    for each in made:
        await each.close()

from __future__ import annotations

import pytest

from actors.handles.resources import fitting


@pytest.mark.parametrize(
    ("resources", "share", "times"),
    [
        ({"CPU": 2, "memory": 20}, {"CPU": 1, "GPU": 0, "memory": 2}, 2),
        ({"CPU": 16, "memory": 15}, {"CPU": 1, "GPU": 0, "memory": 2}, 7),
        ({"CPU": 16, "GPU": 1, "memory": 99}, {"CPU": 2, "GPU": 0.25, "memory": 2}, 4),
        ({"CPU": 16, "memory": 99}, {"CPU": 2, "GPU": 0.25, "memory": 2}, 0),
        ({"CPU": 16, "memory": 1}, {"CPU": 2, "GPU": 0, "memory": 2}, 0),
    ],
)
def test_the_scarcest_resource_decides_how_many_parsers_fit(
    resources: dict[str, float], share: dict[str, float], times: int
) -> None:
    assert fitting(resources, share) == times

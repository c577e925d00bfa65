"""One small demo world that the tests of this folder look at."""

from __future__ import annotations

import pytest

from personalization_pipeline.demo.world import World, make_world


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(people=600, seed=11)

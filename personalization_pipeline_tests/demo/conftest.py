"""Two demo worlds that the tests of this folder look at: one written to files, one held by its scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from personalization_pipeline.demo.world import make_world, making, write_world
from personalization_pipeline.foundation.warehouse import Connection

NIGHTS = 3


@pytest.fixture(scope="session")
def written_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world of 600 people and three nights: landing/, arrivals/, truth/."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, people=600, nights=NIGHTS, seed=11)
    return folder


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The tables of a world of 3,000 people, as they are before files are written. Read it, never change it."""
    with making(tmp_path_factory.mktemp("made"), seed=5) as connection:
        make_world(connection, people=3000, seed=5, progress=lambda _: None)
        yield connection

"""Nights that several files of this folder look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from personalization_pipeline.foundation.warehouse import Connection
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.beside_truth import beside_truth


@pytest.fixture(scope="session")
def second_night(demo_night: Path, night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo two weeks later, one more file landed. Shared: read it, never change it."""
    project = Path(shutil.copytree(demo_night, tmp_path_factory.mktemp("second") / "shop", symlinks=True))
    child_nights.land_july(project)
    code, said = night(project, child_nights.LATER)
    assert code == 0, said
    return project


@pytest.fixture
def second_copy(second_night: Path, tmp_path: Path) -> Path:
    """A copy of both nights that a test may change."""
    return Path(shutil.copytree(second_night, tmp_path / "second", symlinks=True))


@pytest.fixture(scope="module")
def world(demo_night: Path) -> Iterator[Connection]:
    """The demo's night beside the truth of its world."""
    with beside_truth(demo_night) as connection:
        yield connection

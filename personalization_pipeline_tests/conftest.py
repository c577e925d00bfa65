"""Fixtures that several test folders share."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.running import run_night
from personalization_pipeline.starting import start_demo

Night = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data for development, beside the repository; not everybody has it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the development data at {folder}; the package itself does not")
    return folder


def build_night(project: Path, as_of: str = "", *, train: bool = False) -> tuple[int, str]:
    """Build one night in this process: exit code, and everything that was said."""
    said = io.StringIO()
    console = Console(file=said, width=200)
    code = run_night(load_project(project), as_of, train=train, out=console, err=console)
    return code, said.getvalue()


@pytest.fixture(scope="session")
def night() -> Night:
    """`night(project, as_of="", train=False)` builds one night and returns exit code and words."""
    return build_night


@pytest.fixture(scope="session")
def demo_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo project of 200 people with one committed night. Shared: read it, never change it."""
    folder = tmp_path_factory.mktemp("demo") / "shop"
    start_demo(folder, people=200, seed=7)
    code, said = build_night(folder)
    assert code == 0, said
    return folder


@pytest.fixture
def demo_copy(demo_night: Path, tmp_path: Path) -> Path:
    """A copy of the built demo that a test may change."""
    return Path(shutil.copytree(demo_night, tmp_path / "shop", symlinks=True))

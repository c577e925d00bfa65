"""One night of the demo, from landed files to delivered files."""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.questions import ask
from personalization_pipeline_tests.conftest import Night


def test_every_delivered_file_verifies(demo_night: Path) -> None:
    files = sorted((demo_night / "store" / "delivered").rglob("*.csv"))
    assert files
    assert all(verify(file) for file in files)


def test_the_same_night_again_says_so_and_builds_nothing(demo_copy: Path, night: Night) -> None:
    before = (demo_copy / "store" / "current").resolve()
    code, said = night(demo_copy)
    assert code == 0
    assert "nothing that it is made of has changed" in said
    assert (demo_copy / "store" / "current").resolve() == before


def test_asking_everybody_counts_everybody(demo_night: Path) -> None:
    answer = ask(load_project(demo_night), "true")
    assert answer.count == answer.total > 0

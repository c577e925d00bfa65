"""The demo that lies in git is the one that its seed makes."""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.starting import start_demo

COMMITTED = Path(__file__).parents[2] / "data" / "demo"
MADE_BY_RUNS = {"store", "_receipts"}


def texts(folder: Path) -> dict[str, bytes]:
    """Every file by its place, without what a run leaves behind."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if not MADE_BY_RUNS & set(path.relative_to(folder).parts)
    }


def test_the_committed_demo_is_what_init_writes_from_its_seed(tmp_path: Path) -> None:
    start_demo(tmp_path / "demo", people=800, nights=3, seed=7)
    assert texts(tmp_path / "demo") == texts(COMMITTED)

"""A disk without space, at every kind of write that a night makes: exit 2 and the last night stays, or, once the night is
committed, exit 3 and the next run delivers what this one could not.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.errors import DiskFull, TryAgain
from personalization_pipeline.foundation.exports import put_parquet
from personalization_pipeline.foundation.warehouse import put_table, scratch_connection
from personalization_pipeline.foundation.writes import Kind
from personalization_pipeline_tests.ingest.shop import AS_OF, ORDERS_CSV, land, make_shop

FIRST = "20260701T020000Z-r1"
SECOND = "20260702T020000Z-r1"
# Of a fact, a table and a delivery in the default tests; of the rest, such as the commit itself, by make chaos.
AFTER_THE_COMMIT = [Kind.DELIVERY, pytest.param(Kind.RECEIPT, marks=pytest.mark.slow)]
BEFORE_THE_COMMIT = [
    pytest.param(kind, marks=[] if kind in (Kind.FACTS, Kind.TABLE) else [pytest.mark.slow])
    for kind in Kind
    if kind not in (Kind.DELIVERY, Kind.RECEIPT, Kind.ARTEFACT)
]


def run(shop: Path, as_of: str = "2026-07-02T02:00:00Z") -> Result:
    result = CliRunner().invoke(app, ["run", "--train", "--project", str(shop), "--as-of", as_of])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def current(shop: Path) -> str:
    return (shop / "store" / "current").resolve().name


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop with its first night, and something new landed since. Shared: read it, never change it."""
    shop = make_shop(tmp_path_factory.mktemp("full") / "shop")
    assert run(shop, AS_OF).exit_code == 0
    land(shop, {"orders/july.csv": ORDERS_CSV.replace("A,", "C,")})
    # So that the next run has to write it again.
    (shop / "store" / "dagster" / "dagster.yaml").unlink()
    return shop


@pytest.fixture
def shop(first_night: Path, tmp_path: Path) -> Path:
    """A copy of the shop that a test may change."""
    return Path(shutil.copytree(first_night, tmp_path / "shop", symlinks=True))


@pytest.mark.parametrize("kind", BEFORE_THE_COMMIT)
def test_a_disk_that_is_full_at_the_first_write_of_a_kind_leaves_the_last_night_current(
    shop: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONALIZATION_FAULT", f"{kind}:before:full")
    result = run(shop)
    assert result.exit_code == 2
    assert f"no space left while writing a {kind}\nFix: free disk space" in result.stderr
    assert current(shop) == FIRST


def test_a_disk_that_is_full_when_a_model_is_kept_leaves_no_night(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first night: later ones keep only models that are new."""
    shutil.rmtree(shop / "store")
    monkeypatch.setenv("PERSONALIZATION_FAULT", f"{Kind.ARTEFACT}:before:full")
    result = run(shop)
    assert result.exit_code == 2
    assert "no space left while writing a artefact\nFix: free disk space" in result.stderr
    assert not (shop / "store" / "current").exists()


@pytest.mark.parametrize("kind", AFTER_THE_COMMIT)
def test_a_disk_that_is_full_after_the_commit_keeps_the_night_and_the_next_run_delivers_it(
    shop: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONALIZATION_FAULT", f"{kind}:before:full")
    result = run(shop)
    assert result.exit_code == 3
    assert f"no space left while writing a {kind}\nFix: free disk space" in result.stderr
    assert current(shop) == SECOND
    monkeypatch.delenv("PERSONALIZATION_FAULT")
    again = CliRunner().invoke(app, ["run", "--project", str(shop), "--as-of", "2026-07-02T02:00:00Z"])
    assert again.exit_code == 0
    assert "Delivered 1 files" in again.stdout
    assert (shop / "store" / "delivered" / "mail_tool" / SECOND / "newsletter.csv").is_file()


def with_free_bytes(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage

    def _disk_usage(path: Any) -> Any:
        return real(path)._replace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", _disk_usage)


def test_a_night_is_not_begun_where_there_is_no_room_for_it(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free_bytes(50 << 20, monkeypatch)
    result = run(shop)
    assert result.exit_code == 2
    assert "50 MiB are free, a night needs about " in result.stderr
    assert "\nFix: free disk space, or lower retention.nights in project.yaml" in result.stderr
    assert current(shop) == FIRST


def test_a_log_of_the_run_that_cannot_be_written_on_a_full_disk_is_told_as_a_full_disk(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def _get() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(dg.DagsterInstance, "get", _get)
    with_free_bytes(0, monkeypatch)
    result = run(shop)
    assert result.exit_code == 2
    assert result.stderr == f"{shop / 'store'}: no space left\nFix: free disk space, then run again\n"
    assert current(shop) == FIRST


def test_a_device_that_is_full_in_the_middle_of_a_file_is_told_as_a_full_disk() -> None:
    with (
        scratch_connection() as connection,
        pytest.raises(DiskFull, match="no space left while the engine wrote\nFix: "),
    ):
        put_parquet(connection, "SELECT range FROM range(1000)", Path("/dev/full"))


def test_a_sort_that_finds_no_memory_is_told_as_such_and_leaves_the_connection_whole() -> None:
    rows = "SELECT md5(range::VARCHAR) AS word, repeat('x', 100) || range AS text FROM range(1000000) ORDER BY word"
    with scratch_connection(threads=1, memory_limit="40MB") as connection:
        with pytest.raises(TryAgain, match=r"ran out of the memory.*\nFix: raise engine.memory_limit"):
            put_table(connection, "words", rows, "", {})
        assert connection.execute("SELECT 'still alive'").fetchall() == [("still alive",)]

"""The world as a whole: the same bytes for a seed, truth and landing of one piece, neighbours left alone."""

from __future__ import annotations

import csv
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from personalization_pipeline.cli import init
from personalization_pipeline.demo.world import write_world
from personalization_pipeline.foundation.errors import FixTheFile
from personalization_pipeline.starting import start_demo

DEMO = Path(__file__).parents[2] / "data" / "demo"
DEFAULTS = {name: value.default for name, value in inspect.signature(init.__wrapped__).parameters.items()}
WRITE = """
import sys
from pathlib import Path
from personalization_pipeline.demo.world import write_world
write_world(Path(sys.argv[1]), people=120, nights=2, seed=7)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_seed_gives_the_same_bytes_in_another_process_zone_and_language_and_on_one_core(tmp_path: Path) -> None:
    write_world(tmp_path / "here", people=120, nights=2, seed=7)
    elsewhere = {**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}
    elsewhere |= {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PERSONALIZATION_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
    }
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "there")], env=elsewhere, check=True)
    here, there = contents(tmp_path / "here"), contents(tmp_path / "there")
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_the_committed_demo_is_the_one_that_init_writes(tmp_path: Path) -> None:
    """If this fails, the generator changed: rm -rf data/demo && personalize init data/demo --demo"""
    start_demo(tmp_path / "demo", people=DEFAULTS["people"], nights=DEFAULTS["nights"], seed=DEFAULTS["seed"])
    made, committed = contents(tmp_path / "demo"), contents(DEMO)
    kept = {name for name in committed if not name.startswith(("store/", ".keys/", "landing/_receipts/"))}
    assert set(made) ^ kept == set()
    assert [name for name in made if made[name] != committed[name]] == []
    assert sum(map(len, made.values())) < 10_500_000


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    write_world(tmp_path / "a", people=60, seed=1)
    write_world(tmp_path / "b", people=60, seed=2)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    made = [
        name
        for name in a
        if name in b and "product_master" not in name and "/stores/" not in name and "/costs/" not in name
    ]
    # A file may hold its header only in both.
    assert [name for name in made if a[name] == b[name] and a[name].count(b"\n") > 1 and "shopify_orders" in name] == []
    assert a["truth/records.csv"] != b["truth/records.csv"]


def test_more_nights_do_not_move_the_first(tmp_path: Path) -> None:
    write_world(tmp_path / "one", people=60, nights=1, seed=1)
    write_world(tmp_path / "two", people=60, nights=2, seed=1)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert [name for name in one if name.startswith("landing/") and one[name] != two[name]] == []
    assert {name.split("/")[1] for name in two if name.startswith("arrivals/")} == {"2026-07-02"}


def test_the_truth_knows_every_record_that_a_system_lands(written_world: Path) -> None:
    known = {row["record_key"] for row in rows(written_world / "truth" / "records.csv")}
    landed = {
        f"shopify_customers:{row['Customer ID'][1:]}"
        for path in written_world.glob("*/shopify_customers/*.csv")
        for row in rows(path)
    }
    landed |= {
        f"salesforce_contacts:{row['Id']}"
        for path in written_world.glob("*/salesforce_contacts/*.csv")
        for row in rows(path)
    }
    landed |= {
        f"shopify_orders:{row['Id']}"
        for path in written_world.glob("*/shopify_orders/*.csv")
        for row in rows(path)
        if row["Id"] and not row["Note Attributes"]
    }
    assert len(landed) > 800
    assert landed <= known


def test_writing_again_leaves_what_others_landed(tmp_path: Path) -> None:
    receipt = tmp_path / "landing" / "_receipts" / "2026-06-30.json"
    receipt.parent.mkdir(parents=True)
    receipt.write_text("{}")
    write_world(tmp_path, people=50, seed=7)
    assert receipt.is_file()
    assert not (tmp_path / ".world").exists()


def test_the_stated_hardness_is_the_one_that_was_returned(tmp_path: Path) -> None:
    hardness = write_world(tmp_path, people=60, seed=7)
    stated = json.loads((tmp_path / "truth" / "hardness.json").read_text(encoding="utf-8"))
    assert stated["measured"] == vars(hardness)


def test_progress_is_told_in_words(tmp_path: Path) -> None:
    said: list[str] = []
    write_world(tmp_path, people=50, seed=7, progress=said.append)
    assert said[0] == "people 50 of 50"
    assert said[-1] == "truth"


@pytest.mark.parametrize(
    ("people", "nights", "words"), [(49, 1, "50 people or more"), (50, 32, "1 to 31 nights"), (50, 0, "1 to 31 nights")]
)
def test_a_world_that_cannot_be_is_refused(people: int, nights: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(FixTheFile, match=words):
        write_world(tmp_path, people=people, nights=nights, seed=3)

"""The world as a whole: the same bytes for a seed, as hard as promised, truth and landing of one piece."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from personalization_pipeline.demo.hardness import PROMISED, measure
from personalization_pipeline.demo.world import World, make_world, write_world
from personalization_pipeline.foundation.errors import FixTheFile

WRITE = """
import sys
from pathlib import Path
from personalization_pipeline.demo.world import write_world
write_world(Path(sys.argv[1]), people=120, seed=7)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_seed_gives_the_same_bytes_in_another_process_zone_and_language(tmp_path: Path) -> None:
    write_world(tmp_path / "here", people=120, seed=7)
    elsewhere = {**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}
    elsewhere["PYTHONPATH"] = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "there")], env=elsewhere, check=True)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    write_world(tmp_path / "a", people=60, seed=1)
    write_world(tmp_path / "b", people=60, seed=2)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert all(a[name] != b[name] for name in a if name in b)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_every_world_is_as_hard_as_promised(seed: int) -> None:
    world = make_world(people=2000, seed=seed)
    hardness = measure(world.people, world.records)
    assert {name: getattr(hardness, name) >= least for name, least in PROMISED.items()} == dict.fromkeys(PROMISED, True)
    assert hardness.email_pair_recall <= 0.85 - 0.10  # what a pipeline is asked to reach, less the gain it must show


def test_the_truth_names_exactly_the_records_that_were_landed(tmp_path: Path) -> None:
    write_world(tmp_path, people=150, seed=7)
    accounts = {
        f"web_orders:{row['customer_id']}"
        for path in (tmp_path / "landing" / "web_orders").glob("*.csv")
        for row in rows(path)
    }
    entries = {f"crm_customers:{row['id']}" for row in rows(tmp_path / "landing" / "crm_customers" / "2026-06-30.csv")}
    truth = rows(tmp_path / "truth" / "records.csv")
    assert {row["record_key"] for row in truth} == accounts | entries
    people = rows(tmp_path / "truth" / "people.csv")
    assert {row["true_person_id"] for row in truth} == {row["person_id"] for row in people}
    assert len(people) == 150


def test_an_account_repeats_the_same_contact_on_every_line(tmp_path: Path) -> None:
    write_world(tmp_path, people=60, seed=7)
    seen: dict[str, set[tuple[str, ...]]] = {}
    for path in (tmp_path / "landing" / "web_orders").glob("*.csv"):
        for row in rows(path):
            seen.setdefault(row["customer_id"], set()).add(
                (row["first_name"], row["email"], row["phone"], row["street"])
            )
    assert all(len(contacts) == 1 for contacts in seen.values())


def test_files_are_named_by_the_month_of_their_lines_and_end_lines_with_lf(tmp_path: Path) -> None:
    write_world(tmp_path, people=60, seed=7)
    for path in (tmp_path / "landing" / "web_orders").glob("*.csv"):
        assert {row["booked_at"][:7] for row in rows(path)} == {path.stem}
    assert all(b"\r" not in content for content in contents(tmp_path).values())


def test_writing_again_replaces_the_world_but_not_its_neighbours(tmp_path: Path) -> None:
    receipt = tmp_path / "landing" / "_receipts" / "2026-06-30.json"
    receipt.parent.mkdir(parents=True)
    receipt.write_text("{}")
    stale = tmp_path / "landing" / "web_orders" / "1999-01.csv"
    stale.parent.mkdir()
    stale.write_text("old")
    write_world(tmp_path, people=30, seed=7)
    assert receipt.is_file()
    assert not stale.exists()


def test_the_stated_hardness_is_the_one_that_was_returned(tmp_path: Path) -> None:
    hardness = write_world(tmp_path, people=60, seed=7)
    stated = json.loads((tmp_path / "truth" / "hardness.json").read_text(encoding="utf-8"))
    assert stated == vars(hardness)


@pytest.mark.parametrize("people", [10, 11, 57, 600])
def test_a_world_has_as_many_people_as_were_asked_for(people: int) -> None:
    assert len(make_world(people=people, seed=3).people) == people


def test_a_world_that_is_too_small_is_refused() -> None:
    with pytest.raises(FixTheFile, match="10 people or more"):
        make_world(people=9, seed=3)


def test_lookalikes_point_at_each_other_and_share_name_and_home_or_town(world: World) -> None:
    people = {person.person_id: person for person in world.people}
    pairs = [person for person in world.people if person.lookalike_id]
    assert pairs
    for person in pairs:
        other = people[person.lookalike_id]
        assert other.lookalike_id == person.person_id
        assert other.member.last_name == person.member.last_name
        assert other.address.town == person.address.town
        assert (other.household_id == person.household_id) == (person.member.lookalike_kind != "namesakes")


def test_the_shops_m_kelley_is_masha_in_one_home_and_her_sister_in_the_other(world: World) -> None:
    personas = {person.person_id: person.member.persona for person in world.people}
    seen = sorted(
        (personas[record.person_id], record.source, record.first_name, record.person_id)
        for record in world.records
        if personas[record.person_id]
    )
    assert [row[:3] for row in seen] == [
        ("kelley_alone", "crm_customers", "Masha"),
        ("kelley_alone", "web_orders", "M."),
        ("kelley_sisters", "crm_customers", "Masha"),
        ("kelley_sisters", "web_orders", "M."),
    ]
    assert seen[0][3] == seen[1][3]
    assert seen[2][3] != seen[3][3]

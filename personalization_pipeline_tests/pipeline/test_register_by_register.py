"""Six real-looking registers of ten years, one night after the other: who keeps her id, and who lost it to whom.

Belongs here: ids over real nights of 58,000 records. Does not belong here: which ids a table gives to given clusters
(resolve/test_person_ids), and how right the clusters are (`personalize evaluate identity`).
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import build_night

pytestmark = [pytest.mark.slow, pytest.mark.replay]

AMERICAN = "day_of(date_of_birth, '%m/%d/%Y')"
BORN = {
    "census2020": AMERICAN,
    "census2030": AMERICAN,
    "ssa2020": AMERICAN,
    "wic2020": "day_of(date_of_birth, '%m%d%Y')",
}
NIGHTS = {
    "2020-07-01": ("census2020", "ssa2020", "w2_2020", "wic2020"),
    "2024-07-01": ("w2_2024",),
    "2030-07-01": ("census2030",),
}
LAST_NIGHT = "2030-07-02"
LATE_SHARE = 0.01  # of the records arrive in a night of their own
MOST_CHURN = 0.0015  # of the known records, that night


@dataclass(frozen=True)
class Moves:
    """Of one night: how many records were known, and those that have another id: record, old id, new id."""

    known_count: int
    moved: list[tuple[str, str, str]]

    @property
    def rate(self) -> float:
        return len(self.moved) / self.known_count


def is_late(record_id: str) -> bool:
    return int(hashlib.md5(record_id.encode()).hexdigest()[:8], 16) < LATE_SHARE * 16**8


def source(name: str) -> str:
    """The declaration of one register."""
    columns = dict.fromkeys(
        ("first_name", "last_name", "date_of_birth", "street_number", "street_name", "city", "zipcode"), "optional"
    )
    contacts = {"record_id": "record_id", "first_name": "first_name", "last_name": "last_name", "city": "city"}
    contacts |= {"street": "nullif(concat_ws(' ', street_number, street_name), '')", "postal_code": "zipcode"}
    contacts |= {"birth_date": BORN[name]} if name in BORN else {}
    return yaml.safe_dump(
        {
            "description": f"The register {name}",
            "owner": "team:data",
            "party": "first",
            "legal_basis": "contract",
            "files": f"{name}/*.csv",
            "columns": {"record_id": "required", **columns},
            "rows_are": "contacts",
            "maps": {"contacts": contacts},
        }
    )


def land(folder: Path, records: pl.DataFrame, night: str) -> None:
    for (name,), rows in records.group_by("source"):
        (folder / "landing" / str(name)).mkdir(parents=True, exist_ok=True)
        rows.drop("source").write_csv(folder / "landing" / str(name) / f"{night}.csv")


@pytest.fixture(scope="module")
def project(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four nights of all six registers."""
    folder = tmp_path_factory.mktemp("registers") / "project"
    start_project(folder)
    (folder / "sources" / "customers.yaml").unlink()
    for name in sum(NIGHTS.values(), ()):
        (folder / "sources" / f"{name}.yaml").write_text(source(name), encoding="utf-8")
    records = pl.read_parquet(shared_data / "identity" / "psp_multi.parquet")
    late = records["record_id"].map_elements(is_late, return_dtype=pl.Boolean)
    for night, names in NIGHTS.items():
        land(folder, records.filter(pl.col("source").is_in(names) & ~late), night)
        _build(folder, night)
    land(folder, records.filter(late), LAST_NIGHT)
    _build(folder, LAST_NIGHT)
    return folder


def _build(folder: Path, night: str) -> None:
    code, said = build_night(folder, night)
    assert code in (0, 3), said


def ask(folder: Path, night: str, sql: str) -> list[tuple[Any, ...]]:
    (store,) = (folder / "store" / "nights").glob(f"{night.replace('-', '')}T*")
    with contextlib.closing(published_connection(store, private=True)) as connection:
        return query(connection, sql)


def moves(folder: Path, night: str) -> Moves:
    nights = [*NIGHTS, LAST_NIGHT]
    ids = "SELECT record_key, person_id FROM records"
    before = dict(ask(folder, nights[nights.index(night) - 1], ids))
    now = dict(ask(folder, night, ids))
    assert before.keys() < now.keys()
    return Moves(len(before), [(key, before[key], now[key]) for key in before if before[key] != now[key]])


LATER_NIGHTS = [*list(NIGHTS)[1:], LAST_NIGHT]


@pytest.mark.parametrize("night", LATER_NIGHTS)
def test_no_known_record_changes_its_id_without_an_event_that_names_a_new_record_as_its_cause(
    project: Path, night: str
) -> None:
    found = moves(project, night)
    print(f"{night}: {len(found.moved)} of {found.known_count} known records have another id ({found.rate:.3%})")
    news = {key for (key,) in ask(project, night, "SELECT record_key FROM records")}
    news -= {key for (key,) in ask(project, _before(night), "SELECT record_key FROM records")}
    events = ask(
        project,
        night,
        "SELECT person_id, other_person_id, record_key FROM person_history "
        f"WHERE change IN ('merged', 'split') AND CAST(changed_at AS DATE) = DATE '{night}'",
    )
    causes = {(old, new): cause for old, new, cause in events}
    unexplained = [move for move in found.moved if causes.get(move[1:]) not in news]
    assert len(unexplained) == 0, f"{len(unexplained)} of {len(found.moved)} moved records have no new record as cause"


def _before(night: str) -> str:
    nights = [*NIGHTS, LAST_NIGHT]
    return nights[nights.index(night) - 1]


@pytest.mark.parametrize("night", LATER_NIGHTS)
def test_no_id_is_given_to_others_than_its_records_and_every_old_id_leads_to_somebody(
    project: Path, night: str
) -> None:
    ids = "SELECT person_id, founded_at FROM person_ids"
    before, now = dict(ask(project, _before(night), ids)), dict(ask(project, night, ids))
    assert before.items() <= now.items(), "an id keeps its founding night"
    records = "SELECT person_id, record_key FROM records"
    had = {pair for earlier in [*NIGHTS, LAST_NIGHT] if earlier < night for pair in ask(project, earlier, records)}
    holding = ask(project, night, records)
    again = {person for person, _ in holding if person in before}
    assert len(again) > 10_000
    assert again == {person for person, key in holding if (person, key) in had}
    current = {person for (person,) in ask(project, night, "SELECT DISTINCT current_person_id FROM person_ids")}
    assert current == {person for person, _ in holding}


def test_one_record_more_in_a_hundred_changes_hardly_any_id(project: Path) -> None:
    found = moves(project, LAST_NIGHT)
    arrived = len(ask(project, LAST_NIGHT, "SELECT record_key FROM records")) - found.known_count
    assert arrived == pytest.approx(LATE_SHARE * found.known_count, rel=0.2)
    assert found.rate <= MOST_CHURN

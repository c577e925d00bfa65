"""Who lives with whom: homes that are written in several ways, houses of flats, moves, institutions; and real data."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.resolve.households import households
from personalization_pipeline.resolve.limits import limits
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.resolve.contacts import contacts, pair_precision_and_recall

LIMITS = limits()["households"]
HOME = {"street": "Lindenweg 12", "postal_code": "10115", "city": "Berlin"}
OTHER = {"street": "Am Alten Markt 3", "postal_code": "50667", "city": "Köln"}


def living(*rows: tuple[str, str | None, dict[str, str]]) -> pl.DataFrame:
    """Records 00, 01, ... of (person, surname, home) and their households."""
    keyed = [{"record_key": f"{n:02}", "last_name": name, **home} for n, (_, name, home) in enumerate(rows)]
    known = standardise(contacts(*keyed), "DE").with_columns(person_id=pl.Series([person for person, *_ in rows]))
    found = households(known.sample(fraction=1, shuffle=True, seed=3))
    assert found.equals(households(known))
    return found


def groups(*rows: tuple[str, str | None, dict[str, str]]) -> list[str | None]:
    """The household key of each record; its own where it has no home."""
    found = dict(living(*rows).select("record_key", "household_key").iter_rows())
    return [found.get(f"{n:02}", f"{n:02}") for n in range(len(rows))]


@pytest.mark.parametrize(
    ("street", "is_one"),
    [("Lindenweg 12", True), ("Linden-Weg 12", True), ("Lindenwge 12", True), ("Lindenweg 13", False), ("Wall 12", False)],
)  # fmt: skip
def test_people_of_one_surname_and_one_home_are_one_household(street: str, is_one: bool) -> None:
    found = groups(("anna", "Berg", HOME), ("otto", "Berg", HOME | {"street": street}))
    assert (found[0] == found[1]) is is_one


def test_a_couple_of_two_surnames_is_one_household_and_a_house_of_flats_is_one_for_each_surname() -> None:
    assert groups(("anna", "Berg", HOME), ("otto", "Tal", HOME)) == ["00", "00"]
    names = ["Berg", "Tal", "Au", "Wald", "Feld", "See"][: LIMITS["surname_limit"] + 1]
    flats = [(f"p{n}", name, HOME) for n, name in enumerate([*names, names[0]])]
    found = living(*flats)
    assert found["household_key"].to_list() == [*(f"{n:02}" for n in range(len(names))), "00"]
    assert found["is_crowded"].all()


def test_in_a_house_of_flats_a_slip_in_a_surname_parts_nobody_from_herself() -> None:
    flats = [(f"p{n}", name, HOME) for n, name in enumerate(["Berg", "Tal", "Au", "Wald", "Feld"])]
    found = groups(*flats, ("p0", "Berg", HOME), ("p0", "Brg", HOME))
    assert found[0] == found[5] == found[6]


def test_another_spelling_of_a_home_that_one_person_uses_is_the_home_of_all() -> None:
    slip = HOME | {"street": "Lindnweg 12"}
    assert groups(("anna", "Berg", HOME), ("otto", "Tal", slip)) == ["00", "01"]
    assert groups(("anna", "Berg", HOME), ("otto", "Tal", slip), ("anna", "Berg", slip)) == ["00", "00", "00"]


def test_a_household_that_moves_stays_one_and_a_child_that_leaves_has_its_own() -> None:
    family = [(person, "Berg", HOME) for person in ("anna", "otto", "ida")]
    moved = [(person, "Berg", OTHER) for person in ("anna", "otto")]
    assert groups(*family, *moved) == ["00"] * 5
    assert groups(*family, ("ida", "Berg", OTHER)) == ["00", "00", "00", "03"]
    assert groups(("anna", "Berg", HOME), ("anna", "Berg", OTHER)) == ["00", "00"]


def test_a_record_without_a_home_is_where_its_person_lives() -> None:
    assert groups(("anna", "Berg", HOME), ("anna", "Berg", {}), ("otto", "Berg", {})) == ["00", "00", "02"]


def test_more_people_than_a_household_has_are_none_and_told() -> None:
    home = [(f"p{n}", "Berg", HOME) for n in range(LIMITS["people_limit"] + 1)]
    assert set(groups(*home[1:])) == {"00"}
    assert set(groups(*home)) == {None}


def test_nobody_and_nowhere_are_no_household() -> None:
    assert living().height == living(("anna", "Berg", {})).height == 0


def test_a_household_is_named_after_its_longest_known_member_and_counts_people(by_hand: HandMade) -> None:
    records = [("crm:1", "p1", "2026-01-05"), ("shop:1", "p1", "2026-01-05"), ("crm:2", "p2", "2025-01-01")]
    by_hand.put("records", "record_key, person_id, founded_at", *records, ("crm:3", "p3", "2026-01-01"))
    found = [("crm:1", "crm:1", False), ("shop:1", "shop:1", False), ("crm:2", "crm:1", False), ("crm:3", None, True)]
    by_hand.put("computed.household_records", "record_key, household_key, is_crowded", *found)
    by_hand.put("people_fields", "person_id, field, record_key", ("p1", "street", "crm:1"))
    assert by_hand.make("households") == [("p1", "h2", 2, False), ("p2", "h2", 2, False), ("p3", None, None, True)]
    by_hand.put("people_fields", "person_id, field, record_key", ("p1", "street", "shop:1"))
    assert by_hand.make("households", "person_id, household_id") == [("p1", "h1"), ("p2", "h2"), ("p3", None)]


def test_the_households_of_a_census_are_found(shared_data: Path) -> None:
    """Six registers of a decade, whose people are known; measured: records .9425, people .932.

    People of institutions, of whom hundreds share one household_id, are a household each.
    """
    raw = pl.read_parquet(shared_data / "identity" / "psp_multi.parquet").drop_nulls("household_id")
    street = pl.concat_str("street_number", "street_name", separator=" ", ignore_nulls=True)
    plain = {"record_key": "record_id", "last_name": "last_name", "postal_code": "zipcode", "city": "city"}
    given = raw.select(street=street, country=pl.lit("US"), **{name: pl.col(column) for name, column in plain.items()})
    records = standardise(pl.concat([contacts().clear(), given], how="diagonal")).with_columns(person_id=raw["true_id"])
    is_institution = pl.col("true_id").n_unique().over("household_id") > 15
    truth = raw.select(
        "true_id",
        record_key="record_id",
        home=pl.when(is_institution).then(pl.format("alone {}", "true_id")).otherwise("household_id"),
    )
    found = households(records)
    alone = pl.format("alone {}", "record_key")
    clusters = records.join(found, on="record_key", how="left").select(
        "record_key", cluster_key=pl.col("household_key").fill_null(alone)
    )
    assert f1(*pair_precision_and_recall(clusters, truth, "home")) >= 0.92
    ours = housemates(found.drop_nulls("household_key").join(truth, on="record_key"), "household_key")
    theirs = housemates(truth, "home")
    right = ours.join(theirs, on=ours.columns, how="semi").height
    assert f1(right / ours.height, right / theirs.height) >= 0.91


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def housemates(records: pl.DataFrame, home: str) -> pl.DataFrame:
    """Every two people who have ever shared a home."""
    lives = records.select("true_id", home).unique()
    pairs = lives.join(lives, on=home).filter(pl.col("true_id") < pl.col("true_id_right"))
    return pairs.select("true_id", "true_id_right").unique()

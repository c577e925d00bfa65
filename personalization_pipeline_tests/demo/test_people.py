"""People and records: made chunk by chunk, as many as asked for, as hard to tell apart as promised, and planted as written."""

from __future__ import annotations

import polars as pl
import pytest

from personalization_pipeline.demo.hardness import PROMISED, measure
from personalization_pipeline.demo.people import CHUNK, chunks, people
from personalization_pipeline.demo.planted import planted
from personalization_pipeline.demo.record_kinds import salesforce_id
from personalization_pipeline.demo.world import make_world, making
from personalization_pipeline.foundation.warehouse import Connection, query


def test_chunks_cover_everybody_once() -> None:
    assert chunks(2 * CHUNK + 5) == [(1, CHUNK), (CHUNK + 1, CHUNK), (2 * CHUNK + 1, 5)]


@pytest.mark.parametrize("count", [50, 51, 333])
def test_a_chunk_has_as_many_people_as_were_asked_for_and_no_household_outside(count: int) -> None:
    found = people(3, 1001, count)
    assert found["person_n"].to_list() == list(range(1001, 1001 + count))
    assert found["household_n"].is_between(1001, 1000 + count).all()
    assert not found.filter(pl.col("lookalike_n") > 0)["lookalike_n"].is_in(found["person_n"].implode()).not_().any()


def test_a_person_is_the_same_in_a_larger_world() -> None:
    small, large = people(7, 1, 300), people(7, 1, 900)
    assert small[:290].equals(large[:290])  # but for a household that the small world cuts


def test_lookalikes_point_at_each_other_and_share_name_and_home_or_town(made_world: Connection) -> None:
    pairs = query(
        made_world,
        "SELECT one.kind, one.last_name = other.last_name, one.city = other.city, one.household_n = other.household_n, "
        "other.lookalike_n = one.person_n FROM people AS one JOIN people AS other ON other.person_n = one.lookalike_n",
    )
    assert {kind for kind, *_ in pairs} == {"siblings", "namesakes", "short_form", "parent_and_child"}
    assert all(name and city and back for _, name, city, _, back in pairs)
    assert all(home != (kind == "namesakes") for kind, _, _, home, _ in pairs)


def test_nobody_in_a_family_has_the_first_name_of_another(made_world: Connection) -> None:
    assert query(
        made_world,
        "SELECT count(*) FROM (SELECT household_n, first_name FROM people WHERE kind LIKE '%family' AND script = '' "
        "GROUP BY ALL HAVING count(*) > 1)",
    ) == [(0,)]


@pytest.mark.parametrize("seed", [7, 8])
def test_every_world_is_as_hard_as_promised(seed: int, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with making(tmp_path, seed) as connection:
        make_world(connection, people=2000, seed=seed, progress=lambda _: None)
        hardness = measure(connection)
    assert {name: getattr(hardness, name) >= least for name, least in PROMISED.items()} == dict.fromkeys(PROMISED, True)
    assert hardness.email_pair_recall <= 0.75  # what a pipeline is asked to reach, less the gain it must show


def test_three_hundred_records_in_five_thousand_people_have_one_test_address(made_world: Connection) -> None:
    count = query(made_world, "SELECT count(*) FROM records WHERE lower(trim(email)) = 'test@test.com'")[0][0]
    assert count * 1.25 >= 300 * 3 / 5


def test_every_kind_of_mistake_is_made(made_world: Connection) -> None:
    made = {kind for (kind,) in query(made_world, "SELECT DISTINCT unnest(split(mistakes, ' ')) FROM records")}
    assert made - {""} == {
        *("initial", "short_form", "former_name", "accents", "name_typo", "names_swapped", "email_typo", "phone_typo"),
        *("birth_date", "former_address", "script", "transliteration"),
    }


def test_a_record_without_mistakes_holds_the_truth(made_world: Connection) -> None:
    wrong = query(
        made_world,
        "SELECT count(*) FROM records JOIN people ON people.person_n = records.person_n WHERE records.mistakes = '' "
        "AND records.source <> 'seven_points' AND (plain(records.first_name) <> plain(people.first_name) "
        "OR plain(records.last_name) <> plain(people.last_name) OR records.city NOT IN ('', people.city))".replace(
            "plain(", "replace(upper("
        ).replace("_name)", "_name), 'ß', 'SS')"),
    )
    assert wrong == [(0,)]


def test_ids_are_unique_within_a_source(made_world: Connection) -> None:
    assert query(made_world, "SELECT count(*) - count(DISTINCT (source, record_id)) FROM records") == [(0,)]


def test_a_salesforce_id_ends_with_its_own_check() -> None:
    """Salesforce's published example: 15 characters and the three that make them safe where case is lost."""
    found = salesforce_id(13)
    assert len(found) == 18
    bits = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".index(letter) for letter in found[15:]]
    assert [letter.isupper() for letter in found[:15]] == [bool(bits[at // 5] >> at % 5 & 1) for at in range(15)]
    assert len({salesforce_id(n) for n in range(5000)}) == 5000


def test_every_planted_person_is_there_as_written(made_world: Connection) -> None:
    written = [person for household in planted() for person in household]
    rows = query(made_world, "SELECT persona, first_name, last_name FROM people WHERE persona <> '' ORDER BY person_n")
    assert rows == [(person["persona"], person["first_name"], person["last_name"]) for person in written]


def test_the_shops_m_kelley_is_masha_in_one_home_and_her_sister_in_the_other(made_world: Connection) -> None:
    rows = query(
        made_world,
        "SELECT people.persona, records.source, records.first_name, people.first_name FROM records "
        "JOIN people ON people.person_n = records.person_n WHERE people.persona LIKE 'kelley%' ORDER BY record_n",
    )
    assert rows == [
        ("kelley_alone", "shopify_customers", "M.", "Masha"),
        ("kelley_alone", "salesforce_contacts", "Masha", "Masha"),
        ("kelley_sisters", "salesforce_contacts", "Masha", "Masha"),
        ("kelley_sisters", "shopify_customers", "M.", "Mary"),
    ]

"""Several nights with something new each come to the same as one night with all of it, and only do what is new.

Belongs here: phase resolve over a small population, the artefact pinned. Does not belong here: landed files and what
follows from people (pipeline/test_increments), ids over given clusters (test_person_ids).
"""

from __future__ import annotations

import functools
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline.resolve import link, memory, steps, unsettled
from personalization_pipeline.resolve.components import components
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.contacts import SCHEMA
from personalization_pipeline_tests.resolve.resolving import EQUAL, Resolving, Rows, done, partition


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1))
def test_three_increments_come_to_the_same_as_one_full_rebuild(
    resolving: Resolving, population: pl.DataFrame, seed: int
) -> None:
    """Records arrive in any order; some come late, some change on the way, some are gone at the end."""
    resolving.building.as_of, resolving.day = resolving.building.as_of.replace(day=1), 0
    resolving.forget()
    chance, keys = random.Random(seed), population["record_key"].to_list()
    arrival = {key: chance.choice([1, 1, 1, 2, 3]) for key in keys}
    gone = set(chance.sample(keys, 5))
    changed = {key: chance.choice([2, 3]) for key in chance.sample(keys, 8)}
    made: dict[str, Rows] = {}
    for night in (1, 2, 3):
        here = [key for key in keys if arrival[key] <= night and not (night == 3 and key in gone)]
        old = [key for key in here if changed.get(key, 0) > night]
        blank = pl.col("record_key").is_in(old)
        contacts = population.filter(pl.col("record_key").is_in(here)).with_columns(
            email=pl.when(blank).then(None).otherwise("email"),
            last_name=pl.when(blank).then(pl.lit("Zwischen")).otherwise("last_name"),
        )
        made = resolving.night(contacts)
    assert done(made)["records"][1] < done(made)["records"][0] / 2
    resolving.forget()
    full = resolving.night(contacts)
    assert all(total == count for total, count in done(full).values())
    assert {name: made[name] for name in EQUAL} == {name: full[name] for name in EQUAL}
    assert partition(made["records"]) == partition(full["records"])
    # A golden value is the same, whatever its person is called, and so is an address; people's ids and first nights differ.
    for name in ("people_fields", "identifiers"):
        assert sorted(row[1:] for row in made[name]) == sorted(row[1:] for row in full[name])
    assert sorted(str(row[3:]) for row in made["people"]) == sorted(str(row[3:]) for row in full["people"])
    assert {row[:2] for row in made["identifiers"]} == {(person, key) for key, person, _ in made["records"]}
    assert len(partition(made["records"])) < len(made["records"]), "somebody has two records"


def test_a_night_without_news_does_nothing(resolving: Resolving, population: pl.DataFrame) -> None:
    first = resolving.night(population)
    second = resolving.night(population.sample(fraction=1, shuffle=True, seed=1))
    assert {work: count for work, (_, count) in done(second).items()} == dict.fromkeys(done(first), 0)
    assert {name: first[name] for name in (*EQUAL, "records", "person_history", "person_ids")} == {
        name: second[name] for name in (*EQUAL, "records", "person_history", "person_ids")
    }


def test_only_what_is_new_is_standardised_scored_and_clustered(
    resolving: Resolving, population: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `increments` tells is what is really done: the functions are given no more."""
    resolving.night(population[1:])
    given: dict[str, int] = {}

    def counted(name: str, function: Any) -> Any:
        def call(records: pl.DataFrame, *arguments: Any, **options: Any) -> Any:
            found = function(records, *arguments, **options)
            given[name] = given.get(name, 0) + (found if name == "scored" else records).height
            return found

        return call

    monkeypatch.setattr(steps, "standardise", counted("standardised", standardise))
    monkeypatch.setattr(link, "score_pairs", counted("scored", link.score_pairs))
    monkeypatch.setattr(link, "_scored", counted("records given to the linker", link._scored))

    def put_together(edges: pl.DataFrame, records: pl.DataFrame, *arguments: Any, **options: Any) -> pl.DataFrame:
        given["records put together"] = records.height
        return components(edges, records, *arguments, **options)

    monkeypatch.setattr(unsettled, "components", put_together)
    changed = population.with_columns(
        city=pl.when(pl.col("record_key") == population["record_key"][5]).then(pl.lit("Graz")).otherwise("city")
    )
    made = resolving.night(changed)
    assert given["standardised"] == done(made)["records"][1] == 2
    assert given["scored"] == done(made)["pairs"][1] < done(made)["pairs"][0] / 4
    assert given["records given to the linker"] < population.height / 2
    assert 2 <= given["records put together"] < population.height / 2
    assert done(made)["clustered records"][1] < done(made)["clustered records"][0] / 2


def test_where_too_many_records_hang_together_one_more_comes_to_the_same_as_all_at_once(
    resolving: Resolving, population: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What parts them is a cut between components: the whole is looked at again."""
    monkeypatch.setattr(unsettled, "components", functools.partial(components, limit=3))
    resolving.night(population.filter(pl.int_range(pl.len()) % 7 != 0))
    made = resolving.night(population)
    resolving.forget()
    full = resolving.night(population)
    assert len({cut for _, _, cut, _, _ in full["clusters"]}) > 1
    assert {name: made[name] for name in EQUAL} == {name: full[name] for name in EQUAL}
    assert partition(made["records"]) == partition(full["records"])


def test_another_artefact_scores_and_clusters_everything_anew_and_standardises_nothing(
    resolving: Resolving, population: pl.DataFrame
) -> None:
    resolving.night(population)
    artefact = dict(resolving.building.artefacts["identity"]) | {"record_count": 1}
    resolving.building.artefacts["identity"] = artefact
    resolving.building.artefact_keys["identity"] = "another"
    made = resolving.night(population)
    assert done(made)["records"][1] == done(made)["addresses"][1] == 0
    assert done(made)["pairs"][0] == done(made)["pairs"][1] > 0
    assert done(made)["clustered records"][0] == done(made)["clustered records"][1] > 0
    assert {edge[-1] for edge in made["edges"]} == {None, "another"}


def test_other_rules_do_everything_anew(
    resolving: Resolving, population: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are this phase's code, its word lists, its libraries and the project's country."""
    first = resolving.night(population)
    monkeypatch.setattr(memory, "rules_key", lambda _: "other rules")
    made = resolving.night(population)
    assert all(total == count for total, count in done(made).values())
    assert partition(made["records"]) == partition(first["records"])


def test_the_rules_of_another_country_are_others() -> None:
    assert memory._rules_key("DE") != memory._rules_key("GB")


def test_a_shared_mailbox_that_a_stranger_joins_parts_people_whose_records_are_old(resolving: Resolving) -> None:
    """An exact key is no matter of two records: the nameless one is no longer joined when another name uses the mailbox."""
    columns = {**SCHEMA}
    anna = {"record_key": "a:1", "first_name": "Anna", "last_name": "Berg", "email": "tea@x.example"}
    people = [anna, {"record_key": "a:2", "email": "tea@x.example"}]
    stranger = {"record_key": "a:3", "first_name": "Bernd", "last_name": "Tal", "email": "tea@x.example"}
    before = resolving.night(pl.DataFrame(people, schema=columns))
    after = resolving.night(pl.DataFrame([*people, stranger], schema=columns))
    assert partition(before["records"]) == {frozenset({"a:1", "a:2"})}
    assert partition(after["records"]) == {frozenset({"a:1"}), frozenset({"a:2"}), frozenset({"a:3"})}


def test_a_mailbox_joins_two_old_records_only_while_no_other_name_uses_it(resolving: Resolving) -> None:
    """The stranger changes nothing of the two records themselves, but their exact key holds no longer."""
    otto = {"first_name": "Otto", "last_name": "Wald", "phone": "+49 30 1234567", "city": "Ulm", "postal_code": "89073"}
    anna = {"first_name": "Anna", "email": "tea@x.example"}
    people = [{**otto, "record_key": key} for key in ("b:1", "b:2")] + [
        {**anna, "record_key": k} for k in ("a:1", "a:2")
    ]
    stranger = {"record_key": "a:3", "first_name": "Bernd", "email": "tea@x.example"}
    nights = [resolving.night(pl.DataFrame(rows, schema=SCHEMA)) for rows in (people, [*people, stranger], people)]
    assert [done(made)["compared records"] for made in nights] == [(4, 4), (5, 1), (4, 0)]
    assert [["email" in {edge[2] for edge in made["edges"]}] for made in nights] == [[True], [False], [True]]
    for rows, made in zip((people, [*people, stranger]), nights[2:0:-1], strict=True):
        resolving.forget()
        full = resolving.night(pl.DataFrame(rows, schema=SCHEMA))
        assert {name: made[name] for name in EQUAL} == {name: full[name] for name in EQUAL}


def test_a_mailbox_is_set_aside_and_compared_again_as_the_strangers_behind_it_come_and_go(resolving: Resolving) -> None:
    """Two old records lose the evidence between them without a change of their own, and get it back."""
    anna = {"first_name": "Anna", "last_name": "Berg", "email": "till@x.example", "city": "Graz"}
    people = [{**anna, "record_key": f"a:{number}"} for number in (1, 2)] + [
        {"record_key": "b:1", "first_name": "Otto", "last_name": "Tal", "city": "Wien"}
    ]
    strangers = [
        {"record_key": f"c:{n}", "first_name": name, "last_name": "Au", "email": "till@x.example"}
        for n, name in enumerate(("Ida", "Eva", "Max", "Leo", "Udo", "Ben", "Tom", "Kai", "Jan"))
    ]
    alone, crowded = pl.DataFrame(people, schema=SCHEMA), pl.DataFrame([*people, *strangers], schema=SCHEMA)
    nights = [resolving.night(contacts) for contacts in (alone, crowded, alone)]
    assert [len(made["shared_values"]) for made in nights] == [0, 2, 0]
    assert [done(made)["compared records"] for made in nights] == [(3, 3), (12, 11), (3, 2)]
    for made, contacts in zip(nights, (alone, crowded, alone), strict=True):
        resolving.forget()
        full = resolving.night(contacts)
        assert {name: made[name] for name in EQUAL} == {name: full[name] for name in EQUAL}
    assert "email" in {edge[2] for edge in nights[2]["edges"]}
    assert "email" not in {edge[2] for edge in nights[1]["edges"]}


def test_three_hundred_strangers_behind_one_unlisted_mailbox_are_three_hundred_people(resolving: Resolving) -> None:
    """P1: and no pair of them is looked at for its sake."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [
        {
            "record_key": f"a:{n}",
            "first_name": f"{letters[n % 26]}{letters[n // 26]}o",
            "last_name": f"{letters[n * 7 % 26]}{letters[n // 26]}lt",
            "email": "filler@shop.example",
        }
        for n in range(300)
    ]
    made = resolving.night(pl.DataFrame(rows, schema=SCHEMA))
    assert made["edges"] == made["inner_pairs"] == []
    assert len(partition(made["records"])) == 300

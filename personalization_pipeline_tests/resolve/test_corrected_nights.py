"""Nights in which records come and go while people say, and take back, who is one person.

Belongs here: what holds of phase resolve whatever happens. Does not belong here: words inside one component
(test_corrections), ids over given clusters (test_person_ids), a whole project (pipeline/test_links).
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations, pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.corrections import Link, link
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.resolve.review import weakest_links
from personalization_pipeline_tests.resolve.resolving import EQUAL, Resolving, Rows, partition

COUNT = 14


def consistent(words: list[Link]) -> dict[int, Link]:
    """The words by line, without those that those before them contradict."""
    group, kept = {key: key for word in words for key in word.pair}, list[Link]()
    for word in words:
        one, other = (group[key] for key in word.pair)
        parted = {frozenset(group[key] for key in known.pair) for known in kept if known.verdict == "never"}
        is_told = word.pair in {known.pair for known in kept}
        if is_told or (word.verdict == "same" and {one, other} in parted) or (word.verdict == "never" and one == other):
            continue
        kept.append(word)
        if word.verdict == "same":
            group = {key: one if place == other else place for key, place in group.items()}
    return dict(enumerate(kept, start=2))


def united(pairs: set[tuple[str, str]]) -> dict[str, str]:
    """Who is one person by these words: for each key one of its kin."""
    group = {key: key for pair in pairs for key in pair}
    for one, other in sorted(pairs):
        group = {key: group[one] if place == group[other] else place for key, place in group.items()}
    return group


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1))
def test_whatever_people_say_and_whoever_comes_and_goes_no_record_is_lost_and_no_id_is_anothers(
    resolving: Resolving,
    population: pl.DataFrame,
    seed: int,
) -> None:
    resolving.building.as_of, resolving.day = resolving.building.as_of.replace(day=1), 0
    resolving.forget()
    chance, known = random.Random(seed), population.head(COUNT)
    keys = known["record_key"].to_list()
    sources, source = {key.partition(":")[0] for key in keys}, next(iter(resolving.building.project.sources.values()))
    owners: dict[str, set[str]] = {}
    made: dict[str, Rows] = {}
    for _ in range(4):
        here = [key for key in keys if chance.random() < 0.8]
        words = [
            link(*chance.sample(keys, 2), chance.choice(["same", "never"]), "ann", "2026-11-20", "") for _ in range(6)
        ]
        links, once = consistent(words), chance.choice(sorted(sources))
        limited = {name: source.model_copy(update={"one_record_per_person": name == once}) for name in sources}
        resolving.building.project = replace(resolving.building.project, links=links, sources=limited)
        contacts = known.filter(pl.col("record_key").is_in(here))
        made = resolving.night(contacts)
        who = {key: person for key, person, _ in made["records"]}
        assert sorted(who) == sorted(here)
        for word in links.values():
            if set(word.pair) <= set(here):
                assert (who[word.record_key_l] == who[word.record_key_r]) == (word.verdict == "same")
        kin = united({word.pair for word in links.values() if word.verdict == "same" and set(word.pair) <= set(here)})
        for one, other in combinations(sorted(key for key in here if key.startswith(f"{once}:")), 2):
            assert who[one] != who[other] or kin.get(one, one) == kin.get(other, other)
        followed = {(one, other): is_followed for one, other, *_, is_followed in made["corrections"]}
        assert followed == {word.pair: set(word.pair) <= set(here) for word in links.values()}
        for person in set(who.values()):
            now = {key for key, holder in who.items() if holder == person}
            assert person not in owners or now & owners[person], "an id went to records of which none ever had it"
            owners.setdefault(person, set()).update(now)
        assert {person for person, *_ in made["person_ids"]} == owners.keys()
    resolving.forget()
    full = resolving.night(contacts)
    assert {name: made[name] for name in EQUAL} == {name: full[name] for name in EQUAL}
    assert partition(made["records"]) == partition(full["records"])


def test_what_is_said_about_an_address_does_not_depend_on_who_is_one_person(resolving: Resolving) -> None:
    """A merge alone never adds a grant: consent_state is made of nothing that a merge changes."""
    tables: Catalogue = resolving.building.catalogue
    read, waiting = set[str](), {"consent_state"}
    while waiting:
        read |= (now := set(tables.reads(waiting.pop())))
        waiting |= now - {name for name in now if not tables.reads(name)}
    assert {"consents", "standard_addresses"} <= read
    assert read & {"records", "clusters", "edges", "people"} == set()


def ties(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["record_key_l", "record_key_r", "weight"], orient="row")


def clusters(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        [(key, name[0]) for name in names for key in name], schema=["record_key", "cluster_key"], orient="row"
    )


def test_the_weakest_link_is_the_strongest_of_those_between_its_two_sides() -> None:
    """a, b and c hang together strongly, d and e too; between the sides b-d is stronger than c-e."""
    found = ties(
        ("a", "b", 20), ("b", "c", 18), ("a", "c", 2), ("d", "e", 15), ("b", "d", 5), ("c", "e", 4), ("f", "g", 9)
    )
    weak = weakest_links(clusters("abcde", "fg"), found, below=10)
    assert weak.rows() == [("b", "d", 5, 2), ("f", "g", 9, 1)]
    assert weakest_links(clusters("abcde", "fg"), found, below=6).rows() == [("b", "d", 5, 2)]


@pytest.mark.parametrize("seed", range(3))
def test_the_weakest_link_does_not_depend_on_the_order_of_pairs(seed: int) -> None:
    equal = ties(*((one, other, 5) for one, other in pairwise("abcdefgh")), ("a", "h", 5))
    shuffled = equal.sample(fraction=1, shuffle=True, seed=seed)
    expected = weakest_links(clusters("abcdefgh"), equal, 10)
    assert expected.height == 1
    assert weakest_links(clusters("abcdefgh"), shuffled, 10).equals(expected)


def test_where_nobody_has_two_records_there_is_no_link() -> None:
    assert weakest_links(clusters("a", "b"), ties(), below=10).height == 0

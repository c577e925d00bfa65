"""Edges: what a pair is worth depends on the pair and the artefact alone."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from personalization_pipeline.resolve.identity_model import RAREST
from personalization_pipeline.resolve.link import (
    EDGE_SCHEMA,
    EXACT_WEIGHT,
    LOWEST_WEIGHT,
    evidence_of,
    exact_key_edges,
    score_pairs,
    score_within,
)
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.conftest import Learned
from personalization_pipeline_tests.resolve.contacts import contacts

HOME = {"street": "Hauptstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def weigh(learned: Learned, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The evidence about two contacts that form an edge, as the artefact of the demo world weighs it, and its sum."""
    edge = score_pairs(standardise(contacts(one, other)), None, learned.artefact).row(0, named=True)
    return {"weight": edge["weight"], **evidence_of(learned.artefact, edge["levels"], edge["facts"])}


def test_edges_are_sorted_pairs_from_the_lowest_weight_on(learned: Learned) -> None:
    edges = score_pairs(learned.standardised, None, learned.artefact)
    assert dict(edges.schema) == EDGE_SCHEMA
    assert edges.height > 500
    assert edges["weight"].min() >= LOWEST_WEIGHT  # type: ignore[operator]
    assert edges.filter(pl.col("record_key_l") >= pl.col("record_key_r")).height == 0
    assert edges.equals(edges.sort("record_key_l", "record_key_r"))
    assert edges.select("record_key_l", "record_key_r").is_duplicated().sum() == 0


def test_the_evidence_adds_up_to_the_weight(learned: Learned) -> None:
    edges = score_pairs(learned.standardised, None, learned.artefact)
    for weight, levels, facts in edges["weight", "levels", "facts"].iter_rows():
        parts = evidence_of(learned.artefact, levels, facts)
        assert parts.pop("prior") + sum(part["millibits"] for part in parts.values()) == weight


def test_threads_and_row_order_change_nothing(learned: Learned) -> None:
    one = score_pairs(learned.standardised, None, learned.artefact, threads=1)
    shuffled = learned.standardised.sample(fraction=1, shuffle=True, seed=8)
    assert score_pairs(shuffled, None, learned.artefact, threads=2).equals(one)


def test_new_records_add_exactly_the_edges_that_a_full_run_has_more(learned: Learned) -> None:
    new = set(learned.standardised["record_key"].sort().to_list()[::9])
    old = learned.standardised.filter(~pl.col("record_key").is_in(list(new)))
    before, added = score_pairs(old, None, learned.artefact), score_pairs(learned.standardised, new, learned.artefact)
    full = score_pairs(learned.standardised, None, learned.artefact)
    assert 0 < added.height < full.height
    assert pl.concat([before, added]).sort("record_key_l", "record_key_r").equals(full)


def test_a_pair_weighs_the_same_whatever_else_there_is(learned: Learned) -> None:
    full = score_pairs(learned.standardised, None, learned.artefact)
    some = full.sort("weight").gather_every(full.height // 4)
    for edge in some.iter_rows(named=True):
        two = learned.standardised.filter(pl.col("record_key").is_in([edge["record_key_l"], edge["record_key_r"]]))
        assert score_pairs(two, None, learned.artefact).row(0, named=True) == edge


def test_a_rare_name_is_worth_more_and_an_unknown_one_counts_as_three(learned: Learned) -> None:
    counts = learned.artefact["term_frequencies"]["first_name_std"]["counts"]
    common = max(counts, key=lambda name: (counts[name], name))
    rare = next(name for name, count in sorted(counts.items()) if count == RAREST and len(name) > 2)
    twice = next(name for name, count in sorted(counts.items()) if count == 2 * RAREST and len(name) > 2)

    def worth(name: str) -> int:
        found = weigh(learned, *({"first_name": name, "email": "teapot@x.example"} for _ in range(2)))
        return int(found["first_name"]["millibits"])

    assert worth(common) < worth(twice) < worth(rare) == worth("Xanthippe") == worth("Zebulon")
    assert worth(rare) - worth(twice) == pytest.approx(1_000, abs=1)  # half as common: one bit


def test_m_kelley_is_masha_at_her_number_and_undecided_at_her_address(learned: Learned) -> None:
    masha = {"first_name": "Masha", "last_name": "Kelley", **HOME, "phone": "030 901820", "email": "masha@x.example"}
    signed = {"first_name": "M.", "last_name": "Kelley", **HOME}
    same_number = weigh(learned, masha, {**signed, "phone": "+49 30 901820", "email": "tea@y.example"})
    other_number = weigh(learned, masha, {**signed, "phone": "030 901877", "email": "mary@y.example"})
    assert same_number["first_name"]["level"] == "initial"
    assert same_number["weight"] > 8_000
    assert LOWEST_WEIGHT < other_number["weight"] < 1_500


def test_what_two_first_names_share_says_nothing_about_one_person(learned: Learned) -> None:
    family = {"last_name": "Berg", **HOME, "phone": "030 901820", "email": "bergs@x.example"}
    anna = {"first_name": "Anna", **family}
    records = standardise(contacts(anna, {**anna, "first_name": "Robert"}))
    together = records.select("record_key", component=pl.lit(0), component_before=pl.lit(None, pl.UInt64))
    assert score_within(records, together, learned.artefact)["weight"].item() < LOWEST_WEIGHT
    assert weigh(learned, anna, {**anna, "first_name": "Anni"})["weight"] > 20_000


def test_two_mailboxes_that_only_repeat_the_name_are_not_alike(learned: Learned) -> None:
    def email_level(one: str, other: str) -> str:
        name = {"first_name": "Anna", "last_name": "Berg", **HOME}
        return str(weigh(learned, {**name, "email": one}, {**name, "email": other})["email"]["level"])

    assert email_level("anna.berg@x.example", "anna.berg@y.example") == "other"
    assert email_level("annaberg@x.example", "anna.berg@x.example") == "other"
    assert email_level("teapot77@x.example", "teapot77@other.example") == "same name at another domain"
    assert email_level("teapot77@x.example", "taepot77@x.example") == "one slip"


def test_without_a_model_there_are_no_scored_edges(learned: Learned) -> None:
    nothing = {"kind": "exact-keys-only"}
    assert dict(score_pairs(learned.standardised, None, nothing).schema) == EDGE_SCHEMA
    assert score_pairs(learned.standardised, None, nothing).height == 0
    assert score_pairs(learned.standardised.head(1), None, learned.artefact).height == 0
    assert score_pairs(learned.standardised, [], learned.artefact).height == 0


def exact(*rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    edges = exact_key_edges(standardise(contacts(*rows)))
    assert dict(edges.schema) == EDGE_SCHEMA
    assert set(edges["weight"]) <= {EXACT_WEIGHT}
    return edges.select("record_key_l", "record_key_r", "kind").rows()


ANNA = {"first_name": "Anna", "last_name": "Berg", "email": "tea@x.example"}


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        (ANNA, ANNA, ["email"]),
        (ANNA, {"email": "TEA@x.example"}, ["email"]),
        (ANNA, {**ANNA, "first_name": "A."}, ["email"]),
        (ANNA, {**ANNA, "first_name": "Anni", "last_name": None}, ["email"]),
        (ANNA, {**ANNA, "first_name": "Robert"}, []),
        (ANNA, {**ANNA, "last_name": "Tal"}, []),
        ({**ANNA, "birth_date": "1980-01-02"}, {**ANNA, "birth_date": "2004-05-06"}, []),
        ({"phone": "+4930901820"}, {"phone": "+4930901820"}, []),
        ({"first_name": "Anna", "phone": "+4930901820"}, {"first_name": "Anna", "phone": "+4930901820"}, []),
        (
            {"first_name": "Anna", "last_name": "Berg", "phone": "+4930901820"},
            {"first_name": "A.", "last_name": "Berg", "phone": "+4930901820"},
            ["phone"],
        ),
        ({"email": "noreply@x.example"}, {"email": "noreply@x.example"}, []),
    ],
)
def test_an_exact_key_needs_names_that_can_be_one_persons(
    one: dict[str, Any], other: dict[str, Any], kinds: list[str]
) -> None:
    both = [row | {"birth_date": date_or_none(row.get("birth_date"))} for row in (one, other)]
    assert exact(*both) == [("a", "b", kind) for kind in kinds]


def date_or_none(text: str | None) -> Any:
    return None if text is None else pl.Series([text]).str.to_date().item()


def test_a_mailbox_that_a_couple_shares_joins_nobody_without_a_name() -> None:
    bernd, nameless = {**ANNA, "first_name": "Bernd"}, {"email": ANNA["email"]}
    assert exact(ANNA, bernd, nameless, ANNA) == [("a", "d", "email")]

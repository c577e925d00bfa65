"""What is learned about agreement, and that it depends on nothing but the records."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from personalization_pipeline.resolve.comparisons import BLOCKS, comparisons, filled_columns, rules, training_rules
from personalization_pipeline.resolve.identity_model import train
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.conftest import Learned
from personalization_pipeline_tests.resolve.contacts import contacts

NAMES = ["first_name_std", "first_name_roots", "last_name_std"]
EMAIL = ["email_std", "email_local"]
PLACE = ["street_std", "house_number", "postal_code_std", "city_std"]


def only(standardised: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The same records as if nobody had ever filled the other columns."""
    return standardised.with_columns(
        pl.lit(None, dtype=kind).alias(column)
        for column, kind in standardised.schema.items()
        if column not in ("record_key", *columns)
    )


def levels(compared: list[dict[str, Any]], name: str) -> list[str]:
    (found,) = (comparison for comparison in compared if comparison["output_column_name"] == name)
    return [level["label_for_charts"] for level in found["comparison_levels"]]


def test_the_same_records_in_any_order_give_the_same_artefact(learned: Learned) -> None:
    shuffled = learned.standardised.sample(fraction=1, shuffle=True, seed=3)
    assert json.dumps(train(shuffled, seed=1)) == json.dumps(learned.artefact)


def test_an_artefact_survives_being_text(learned: Learned) -> None:
    assert json.loads(json.dumps(learned.artefact, sort_keys=True)) == learned.artefact


def test_an_artefact_holds_no_name_of_one_record_and_no_contact(learned: Learned) -> None:
    names = learned.artefact["term_frequencies"]
    assert set(names) == {"first_name_std", "last_name_std"}
    for column, known in names.items():
        counts = dict(learned.standardised[column].drop_nulls().value_counts().iter_rows())
        assert known["filled"] == sum(counts.values())
        assert known["counts"] == {name: count for name, count in counts.items() if count > 1}
    text = json.dumps(learned.artefact)
    assert not [email for email in learned.standardised["email_std"].drop_nulls() if email in text]
    assert not [phone for phone in learned.standardised["phone_std"].drop_nulls() if phone in text]


def test_agreement_speaks_for_and_disagreement_against_one_person(learned: Learned) -> None:
    for comparison in learned.artefact["settings"]["comparisons"]:
        by_label = {level["label_for_charts"]: level for level in comparison["comparison_levels"]}
        best = by_label.get("same") or by_label["same surname, same address"]
        assert best["m_probability"] > 10 * best["u_probability"]
        assert 0.01 <= by_label["other"]["m_probability"] < by_label["other"]["u_probability"] / 2


def test_the_share_of_true_pairs_is_found_without_labels(learned: Learned) -> None:
    sizes = learned.truth.group_by("true_person_id").len()["len"].cast(pl.Int64)
    count = learned.truth.height
    true_share = int((sizes * (sizes - 1)).sum()) / (count * (count - 1))
    found = learned.artefact["settings"]["probability_two_random_records_match"]
    assert found == pytest.approx(true_share, rel=0.15)


@pytest.mark.parametrize("columns", [[], EMAIL, ["phone_std"], ["birth_date"]])
def test_one_fact_alone_is_left_to_exact_keys(learned: Learned, columns: list[str]) -> None:
    artefact = train(only(learned.standardised, *columns), seed=1)
    assert artefact == {"version": 1, "record_count": learned.standardised.height, "seed": 1, "kind": "exact-keys-only"}


def test_too_few_records_are_left_to_exact_keys(learned: Learned) -> None:
    assert train(learned.standardised.head(99), seed=1)["kind"] == "exact-keys-only"
    assert train(learned.standardised.clear(), seed=1)["kind"] == "exact-keys-only"


@pytest.mark.parametrize(
    ("columns", "compared"),
    [
        (NAMES, ["first_name", "household"]),
        ([*NAMES, *EMAIL], ["first_name", "household", "email"]),
        ([*NAMES, *PLACE, "birth_date"], ["first_name", "household", "birth_date"]),
        ([*EMAIL, "phone_std", "birth_date"], ["birth_date", "email", "phone"]),
    ],
)
def test_what_is_compared_follows_from_the_columns_that_hold_data(
    learned: Learned, columns: list[str], compared: list[str]
) -> None:
    records = only(learned.standardised, *columns)
    made = comparisons(records, learning=False)
    assert [comparison["output_column_name"] for comparison in made] == compared
    used = json.dumps([made, rules(BLOCKS, filled_columns(records))])
    absent = {*EMAIL, *PLACE, "phone_std", "birth_date"} - set(columns)
    assert not [column for column in absent if f"{column}_l" in used or f"l.{column}" in used]


def test_names_alone_are_enough_to_learn_from(learned: Learned) -> None:
    artefact = train(only(learned.standardised, *NAMES), seed=1)
    assert artefact["kind"] == "splink"
    assert [made["output_column_name"] for made in artefact["settings"]["comparisons"]] == ["first_name", "household"]


def test_the_household_has_no_levels_for_places_that_nobody_gave(learned: Learned) -> None:
    every = comparisons(only(learned.standardised, *NAMES, *PLACE), learning=False)
    no_street = comparisons(only(learned.standardised, *NAMES, "city_std"), learning=False)
    no_place = comparisons(only(learned.standardised, *NAMES), learning=False)
    assert "same surname, same address" in levels(every, "household")
    assert "same surname, same town" in levels(no_street, "household")
    assert not [label for label in levels(no_street, "household") if label.endswith("same address")]
    assert levels(no_place, "household") == ["missing", "same surname", "similar surname", "other"]


def test_a_column_that_says_the_same_about_nearly_everybody_is_not_compared() -> None:
    people = contacts(
        *(
            {"record_key": str(number), "last_name": f"Name{chr(97 + number)}", "city": "Springfield"}
            for number in range(9)
        )
    )
    assert "last_name_std" in filled_columns(standardise(people))
    assert "city_std" not in filled_columns(standardise(people))


def test_a_block_counts_a_column_in_brackets_by_its_first_letter() -> None:
    blocks = (("birth_date", "(first_name_std)"), ("phone_std",))
    assert rules(blocks, frozenset({"birth_date", "first_name_std"})) == [
        "l.birth_date = r.birth_date AND substr(l.first_name_std, 1, 1) = substr(r.first_name_std, 1, 1)"
    ]


def test_a_fact_is_learned_only_among_pairs_that_it_did_not_bring_together(learned: Learned) -> None:
    compared = comparisons(learned.standardised, learning=True)
    names = [made["output_column_name"] for made in compared]
    places = training_rules(compared, filled_columns(learned.standardised))
    facts = {rule: {names[place] for place in found} for rule, found in places.items()}
    assert facts["l.email_std = r.email_std"] == {"first_name", "household", "birth_date", "phone"}
    assert facts["l.first_name_std = r.first_name_std AND l.last_name_std = r.last_name_std"] == {
        "birth_date",
        "email",
        "phone",
    }

"""What is learned about agreement, and that it depends on nothing but the records."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from personalization_pipeline.foundation.warehouse import frame, scratch_connection
from personalization_pipeline.resolve import identity_model
from personalization_pipeline.resolve.blocks import BLOCKS, bounded, columns_of, count_pairs, rule_of, with_keys
from personalization_pipeline.resolve.comparisons import comparisons, filled_columns
from personalization_pipeline.resolve.identity_model import _patterns, open_linker, train
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


@pytest.mark.parametrize("threads", [1, 3])
def test_as_many_threads_as_may_be_learn_the_same(
    learned: Learned, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_model, "scratch_connection", lambda *_: scratch_connection(threads))
    assert json.dumps(train(learned.standardised, seed=1)) == json.dumps(learned.artefact)


def test_pairs_are_counted_on_the_levels_that_splink_finds(learned: Learned) -> None:
    records = with_keys(learned.standardised.sort("record_key"))
    compared, blocks = comparisons(records, by_chance=False), [("email_std",), ("last_name_std", "city_std")]
    counted = _patterns(records, compared, blocks, 1)
    settings = learned.artefact["settings"] | {
        "blocking_rules_to_generate_predictions": [rule_of(block) for block in blocks],
    }
    with open_linker(records, settings, threads=None, memory_limit=None) as (linker, connection):
        pairs = linker.inference.predict().physical_name
        levels = ", ".join(f"gamma_{made['output_column_name']} AS {made['output_column_name']}" for made in compared)
        found = frame(connection, f"SELECT {levels}, count(*) AS pair_count FROM {pairs} GROUP BY ALL ORDER BY ALL")
    assert counted["pair_count"].sum() > 1_000
    assert counted.rows() == found.rows()


def test_an_artefact_survives_being_text(learned: Learned) -> None:
    assert json.loads(json.dumps(learned.artefact, sort_keys=True)) == learned.artefact


def test_an_artefact_holds_no_name_of_one_record_and_no_contact(learned: Learned) -> None:
    names = learned.artefact["term_frequencies"]
    assert set(names) == {"first_name_std", "last_name_std", "birth_date"}
    for column, known in names.items():
        counts = dict(learned.standardised[column].drop_nulls().cast(pl.String).value_counts().iter_rows())
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
    told = {"version": 2, "record_count": learned.standardised.height, "seed": 1, "overrides": {}}
    assert artefact == told | {"kind": "exact-keys-only"}


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
    made = comparisons(records, by_chance=False)
    assert [comparison["output_column_name"] for comparison in made] == compared
    keyed = with_keys(records)
    blocks, left_out, _ = bounded(keyed, filled_columns(keyed), BLOCKS)
    assert left_out == []
    used = json.dumps([made, [rule_of(block) for block in blocks]])
    absent = {*EMAIL, *PLACE, "phone_std", "birth_date"} - set(columns)
    assert not [column for column in absent if f"{column}_l" in used or f"l.{column}" in used]


def test_names_alone_are_enough_to_learn_from(learned: Learned) -> None:
    artefact = train(only(learned.standardised, *NAMES), seed=1)
    assert artefact["kind"] == "splink"
    assert [made["output_column_name"] for made in artefact["settings"]["comparisons"]] == ["first_name", "household"]


def test_the_household_has_no_levels_for_places_that_nobody_gave(learned: Learned) -> None:
    every = comparisons(only(learned.standardised, *NAMES, *PLACE), by_chance=False)
    no_street = comparisons(only(learned.standardised, *NAMES, "city_std"), by_chance=False)
    no_place = comparisons(only(learned.standardised, *NAMES), by_chance=False)
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
    assert rule_of(("birth_date", "(first_name_std)")) == (
        "l.birth_date = r.birth_date AND substr(l.first_name_std, 1, 1) = substr(r.first_name_std, 1, 1)"
    )
    assert columns_of(("birth_date", "(first_name_std)")) == {"birth_date", "first_name_std"}


def namesakes(count: int) -> pl.DataFrame:
    """Records that all live in one town, under first and last names that are spread evenly over ten letters each."""
    letters = "abcdefghij"
    return with_keys(
        standardise(
            contacts(
                *(
                    {
                        "record_key": f"{number:04}",
                        "first_name": f"{letters[number % 10]}nn{letters[number // 100 % 10]}",
                        "last_name": f"{letters[number // 10 % 10]}rg",
                        "city": "Springfield",
                    }
                    for number in range(count)
                )
            )
        )
    )


def test_a_block_that_brings_too_many_pairs_is_narrowed_by_first_letters() -> None:
    records = namesakes(1_000)  # 499,500 pairs; 100,000 may be looked at
    filled = frozenset({"city_std", "first_name_std", "last_name_std"})
    kept, left_out, pair_count = bounded(records, filled, (("city_std",),))
    assert pair_count == sum(count_pairs(records, block) for block in kept) == 2 * 10 * (100 * 99 // 2)
    assert kept == [("city_std", "(first_name_std)"), ("city_std", "(last_name_std)")]
    assert left_out == ["city_std: 499500 pairs"]


def test_a_block_that_no_letter_narrows_is_left_out_and_named() -> None:
    records = namesakes(1_000)
    kept, left_out, _ = bounded(records, frozenset({"city_std"}), (("city_std",),))
    assert kept == []
    assert left_out == ["city_std: 499500 pairs"]


def test_a_block_within_another_one_is_not_looked_at_twice() -> None:
    records = namesakes(50)
    kept, left_out, _ = bounded(
        records, filled_columns(records), (("last_name_std",), ("last_name_std", "first_name_std"))
    )
    assert (kept, left_out) == ([("last_name_std",)], [])


def test_names_in_either_order_and_of_one_sound_meet_in_a_block() -> None:
    names = [("Stephan", "Schmitt"), ("Schmitt", "Stephan"), ("Stefan", "Schmit")]
    rows = [{"first_name": first, "last_name": last} for first, last in names]
    one, other, third = with_keys(standardise(contacts(*rows))).rows(named=True)
    assert (one["name_low"], one["name_high"]) == (other["name_low"], other["name_high"])
    assert (one["first_name_sound"], one["last_name_sound"]) == (third["first_name_sound"], third["last_name_sound"])


def test_facts_that_no_source_of_the_shop_has_are_compared_where_a_file_has_them() -> None:
    given = pl.DataFrame(
        {
            "middle_name": ["Rosa", "R.", None, "Kim"],
            "national_id": ["12-34", "1234", "99", "77"],
            "gender": ["Female", "f", "M", "male"],
            "birth_place": ["Köln", "koeln", "Ulm", "Bonn"],
            "occupation": ["Baker", "baker", "Cook", "Poet"],
            "birth_year": ["1980", "1975.0", "n/a", "19"],
        }
    )
    records = standardise(pl.concat([contacts(*({"first_name": name} for name in "abcd")), given], how="horizontal"))
    assert records["middle_name_std"].to_list() == ["rosa", "r", None, "kim"]
    assert records["national_id_std"].to_list() == ["1234", "1234", "99", "77"]
    assert records["gender_std"].to_list() == ["f", "f", "m", "m"]
    assert records["birth_place_std"].to_list() == ["koeln", "koeln", "ulm", "bonn"]
    assert records["birth_year"].to_list() == [1980, 1975, None, None]
    compared = [made["output_column_name"] for made in comparisons(with_keys(records), by_chance=False)]
    further = {"middle_name", "national_id", "gender", "birth_place", "occupation", "birth_year"}
    assert further <= set(compared)


def test_m_and_the_prior_are_learned_from_what_is_true(learned: Learned) -> None:
    """The share of true pairs on every level that is learned without labels, beside the share that the truth has."""
    truth = learned.truth.select("record_key", "true_person_id")
    both = learned.standardised.join(truth, on="record_key").select("true_person_id", "record_key", "first_name_std")
    pairs = both.join(both, on="true_person_id", suffix="_r").filter(pl.col("record_key") < pl.col("record_key_r"))
    known = pairs.drop_nulls()
    share = known.filter(pl.col("first_name_std") == pl.col("first_name_std_r")).height / known.height
    (first_name,) = [
        made for made in learned.artefact["settings"]["comparisons"] if made["output_column_name"] == "first_name"
    ]
    same = next(level for level in first_name["comparison_levels"] if level["label_for_charts"] == "same")
    assert same["m_probability"] == pytest.approx(share, abs=0.05)

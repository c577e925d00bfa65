"""What is kept of the records that a model was learned from, and what a night makes of it when records change."""

from __future__ import annotations

import math

import polars as pl
import pytest

from personalization_pipeline.resolve.drift import (
    BANDS,
    COMPLETE,
    drift,
    figure_bounds,
    learned,
    level_weights,
    stability_index,
    weight_bands,
)
from personalization_pipeline.resolve.identity_model import Artefact
from personalization_pipeline.resolve.link import evidence_of
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.resolve.conftest import Learned

MEASURED = "figure, subject, tonight_millionths, learned_millionths"
ONE = 1_000_000


@pytest.fixture(scope="module")
def kept(learned: Learned) -> Artefact:
    """The artefact of that world with what its records were like."""
    return _learned(learned.standardised)


def _learned(records: pl.DataFrame) -> Artefact:
    return learned(records, {})


def weights(learned: Learned) -> pl.Series:
    return learned.edges.filter(pl.col("kind") == "splink")["weight"]


def by_figure(
    rows: list[tuple[str, str, int | None, int | None]],
) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    return {(figure, subject): (tonight, before) for figure, subject, tonight, before in rows}


def test_what_the_records_were_like_does_not_change_what_was_learned(learned: Learned, kept: Artefact) -> None:
    assert {name: kept[name] for name in learned.artefact} == learned.artefact
    assert set(kept) - set(learned.artefact) == {"learned_on"}


def test_the_same_records_are_as_they_were(learned: Learned, kept: Artefact) -> None:
    found = by_figure(drift(kept, learned.standardised, weights(learned), {}))
    assert found.pop(("weights of pairs that are rather one person", "population stability index")) == (0, 0)
    assert {subject for figure, subject in found if figure == "completeness"} == set(COMPLETE)
    assert all(tonight == before for tonight, before in found.values())
    count = learned.standardised.height
    assert found["records", ""] == (count * ONE, count * ONE)
    born = learned.standardised["birth_date"].count()
    assert found["completeness", "birth date"][0] == born * ONE // count


def test_a_sample_of_the_records_tells_what_all_would(
    learned: Learned, kept: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalization_pipeline.resolve.drift.SAMPLE", 600)
    sampled, whole = _learned(learned.standardised)["learned_on"], kept["learned_on"]
    assert sum(sampled["bands"]) < sum(whole["bands"]) / 3
    assert sampled["pairs_per_1000_records"] == pytest.approx(whole["pairs_per_1000_records"], rel=0.1)
    index = stability_index(whole["bands"], sampled["bands"])
    assert index is not None
    assert index < 30_000


def test_a_column_that_comes_in_empty_and_pairs_that_weigh_otherwise_are_seen(learned: Learned, kept: Artefact) -> None:
    blank = learned.standardised.with_columns(email_std=pl.lit(None, pl.String))
    found = by_figure(drift(kept, blank, (weights(learned) - 6_000).clip(BANDS[0]), {}))
    tonight, before = found["completeness", "e-mail"]
    assert tonight == 0
    assert before is not None
    assert before > 0.5 * ONE
    shift, _ = found["weights of pairs that are rather one person", "population stability index"]
    assert shift is not None
    assert shift > 250_000


def test_an_artefact_that_has_kept_nothing_is_no_reason_to_fail(learned: Learned) -> None:
    found = by_figure(drift(learned.artefact, learned.standardised, weights(learned), {}))
    assert found["completeness", "phone"][1] is None
    assert found["weights of pairs that are rather one person", "population stability index"] == (None, None)
    assert weight_bands(learned.artefact, weights(learned))["learned_pair_count"].null_count() == len(BANDS)


def test_an_artefact_without_a_model_has_few_figures(learned: Learned) -> None:
    artefact = _learned(learned.standardised.head(50))
    assert artefact["kind"] == "exact-keys-only"
    found = by_figure(drift(artefact, learned.standardised, pl.Series([], dtype=pl.Int64), {}))
    assert found["records", ""] == (learned.standardised.height * ONE, 50 * ONE)
    assert {figure for figure, _ in found} == {"records", "comparisons other than asked for"}
    assert level_weights(artefact).height == weight_bands(artefact, pl.Series([], dtype=pl.Int64)).height == 0


def test_the_index_is_that_of_the_book_and_says_nothing_of_few_pairs() -> None:
    """By hand: shares 0.5, 0.5 and 0.4, 0.6; half a pair more in each band does not show in so many."""
    by_hand = (0.4 - 0.5) * math.log(0.4 / 0.5) + (0.6 - 0.5) * math.log(0.6 / 0.5)
    assert stability_index([500_000, 500_000], [400_000, 600_000]) == pytest.approx(by_hand * ONE, abs=1)
    assert stability_index([100, 100], [10, 10]) is None
    assert stability_index([499, 0], [500, 0]) is None
    empty_before = stability_index([1_000, 0], [1_000, 100])
    assert empty_before is not None
    assert empty_before > 250_000


def test_every_scored_pair_is_in_one_band(learned: Learned, kept: Artefact) -> None:
    given = pl.Series([-5_000, -2_001, -2_000, 4_999, 5_000, 99_000])
    bands = weight_bands(kept, given)
    assert dict(zip(bands["band"], bands["pair_count"], strict=True)) == {
        "-5 to -2 bits": 2,
        "-2 to 0 bits": 1,
        "0 to 2 bits": 0,
        "2 to 5 bits": 1,
        "5 to 10 bits": 1,
        "10 to 15 bits": 0,
        "15 to 20 bits": 0,
        "20 to 30 bits": 0,
        "30 bits and more": 1,
    }
    assert sum(bands["learned_pair_count"]) == 2 * weights(learned).len(), "each at both of its ends"


def test_the_weight_of_a_level_is_what_the_evidence_of_a_pair_says(learned: Learned) -> None:
    told = level_weights(learned.artefact)
    rows = {(row["comparison"], row["level"]): row for row in told.iter_rows(named=True)}
    prior = rows["prior", "before anything is compared"]["weight"]
    slip = rows["phone", "one slip"]
    assert not slip["is_frequency_adjusted"]
    assert slip["weight"] == round(math.log2(slip["m_probability"] / slip["u_probability"]) * 1_000)
    scored = learned.edges.filter(pl.col("kind") == "splink")["levels", "facts"]
    evidence = [evidence_of(learned.artefact, *row) for row in scored.iter_rows()]
    assert {"level": "one slip", "millibits": slip["weight"]} in [pair["phone"] for pair in evidence]
    assert {pair["prior"] for pair in evidence} == {prior}
    assert rows["first_name", "same"]["is_frequency_adjusted"]
    assert ("household", "same surname") not in rows, "a level that no pair reaches"


@pytest.mark.parametrize(
    ("figure", "tonight", "before", "state"),
    [
        ("records", 4_000, 1_000, "watch"),
        ("records", 4_001, 1_000, "beyond its bound"),
        ("records", 2_000, 1_000, "holds"),
        ("records", 399, 3, "too little to tell"),
        ("records", 400, 90_000, "holds"),
        ("completeness", 0.80, 0.91, "beyond its bound"),
        ("completeness", 0.91, 0.80, "beyond its bound"),
        ("completeness", 0.80, 0.86, "watch"),
        ("completeness", 0.80, None, "not kept by this artefact"),
        ("scored pairs per 1,000 records", 2_100, 1_000, "beyond its bound"),
        ("scored pairs per 1,000 records", 100, 1_000, "holds"),
        ("scored pairs per 1,000 records", 100, None, "not kept by this artefact"),
        ("weights of pairs that are rather one person", 0.26, 0, "beyond its bound"),
        ("weights of pairs that are rather one person", 0.11, 0, "watch"),
        ("weights of pairs that are rather one person", None, 0, "too little to tell"),
        ("weights of pairs that are rather one person", None, None, "not kept by this artefact"),
        ("comparisons other than asked for", 1, 0, "beyond its bound"),
        ("links expected to be wrong", 0.06, None, "beyond its bound"),
        ("links expected to be wrong", 0.01, None, "holds"),
        ("links expected to be wrong", None, None, "too little to tell"),
        ("largest person", 251, None, "beyond its bound"),
        ("records of components too large to be weighed", 0.000001, None, "beyond its bound"),
        ("records of components too large to be weighed", 0, None, "holds"),
    ],
)
def test_a_figure_is_judged_by_its_bounds(
    by_hand: HandMade, figure: str, tonight: float | None, before: float | None, state: str
) -> None:
    values = (None if value is None else round(value * ONE) for value in (tonight, before))
    by_hand.put("computed.identity_measures", MEASURED, (figure, "x", *values))
    bounds = figure_bounds()
    by_hand.put("computed.figure_bounds", ", ".join(bounds.columns), *bounds.rows())
    ((found, remedy),) = by_hand.make("identity_figures", "state, remedy")
    assert found == state
    assert bool(remedy) == (state in ("watch", "beyond its bound"))

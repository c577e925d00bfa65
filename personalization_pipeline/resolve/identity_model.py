"""Learning how much agreement is worth: the identity artefact, made from standardised records without labels.

Belongs here: training, and what the artefact is made of. Does not belong here: what is compared (comparisons), scoring
with the artefact (link), and where artefacts are kept.

The artefact is a JSON-able dict: kind 'splink' holds Splink settings with learned m and u, the prior, and the counts of
names; kind 'exact-keys-only' says that there is too little to learn from, and that only exact keys join records.
Method: Fellegi-Sunter by expectation maximisation, as in Splink (Linacre et al. 2022, IJPDS 7(3)), with three corrections:
a usual m counts like 20 true pairs, so that little data cannot claim much; u is freed from the true pairs among random
ones; and the share of true pairs is learned from the scored pairs instead of guessed.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from personalization_pipeline.foundation.warehouse import scratch_connection
from personalization_pipeline.resolve.comparisons import (
    BLOCKS,
    STRICT_BLOCKS,
    TRAINING_BLOCKS,
    comparisons,
    filled_columns,
    rules,
)

if TYPE_CHECKING:
    from splink import Linker

Artefact = dict[str, Any]
Settings = dict[str, Any]

VERSION = 1
MIN_RECORDS = 100  # with fewer there is nothing to learn from
MIN_COMPARISONS = 2  # one fact alone cannot say when it errs
MAX_PAIRS = 1_000_001  # random pairs looked at; Splink takes 1e6 for a forgotten default and warns
USUAL_PAIRS = 20  # how many true pairs the usual m is worth
LEAST_ERROR = 0.01  # share of true pairs that disagree about a fact: no column is without mistakes
LEAST_CHANCE = 0.1  # of the agreement of random pairs that is left to chance, whatever true pairs explain
STRICT_RECALL = 0.8  # first guess at the share of true pairs that strict blocks find; the rounds replace it
ROUNDS = 2
UNSEEN = 2
SEEN_WEIGHT = -10.0  # bits; pairs below hold no share of the true pairs worth counting


def train(standardised: pl.DataFrame, *, seed: int) -> Artefact:
    """Learn the identity artefact from standardised records (see `standardise`); the same for any order of the rows.

    Runs on one thread, because the last bits of sums of floats depend on the order of the summands.
    """
    records = standardised.sort("record_key")
    learning = comparisons(records, contacts_prove=True)
    artefact: Artefact = {"version": VERSION, "record_count": records.height, "seed": seed}
    if records.height < MIN_RECORDS or len(learning) < MIN_COMPARISONS:
        return artefact | {"kind": "exact-keys-only"}
    scoring = _settings(records, comparisons(records, contacts_prove=False))
    pair_count = records.height * (records.height - 1) / 2
    prior, observed = _learn(records, _settings(records, learning), seed)
    prior = max(prior, 0.2 / records.height)  # one true pair for ten records
    for _ in range(ROUNDS):
        model = _with_parameters(scoring, observed, prior, pair_count)
        found = _expected_matches(records, model) / pair_count
        prior = max(min(max(_bound(model, observed), found), UNSEEN * found), 0.2 / records.height)
    return artefact | {
        "kind": "splink",
        "settings": _with_parameters(scoring, observed, prior, pair_count),
        "term_frequencies": _term_frequencies(records, scoring),
    }


@contextlib.contextmanager
def open_linker(records: pl.DataFrame, settings: Settings, *, threads: int | None, memory_limit: str | None) -> Iterator[Linker]:
    """A Splink linker over records, with a DuckDB of its own: two linkers on one would share term frequencies."""
    from splink import DuckDBAPI, Linker

    connection = scratch_connection(threads, memory_limit)
    try:
        yield Linker(DuckDBAPI(connection).register(records.to_arrow()), copy.deepcopy(settings), log_level="ERROR")
    finally:
        connection.close()


def _settings(records: pl.DataFrame, compared: list[dict[str, Any]]) -> Settings:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_key",
        "comparisons": compared,
        "blocking_rules_to_generate_predictions": rules(BLOCKS, filled_columns(records)),
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }


def _learn(records: pl.DataFrame, settings: Settings, seed: int) -> tuple[float, list[dict[str, Any]]]:
    """First share of true pairs, and the comparisons with the m and u that Splink saw (absent where it saw nothing)."""
    from splink.internals.exceptions import EMTrainingException

    filled = filled_columns(records)
    with open_linker(records, settings, threads=1, memory_limit=None) as linker:
        training = linker.training
        if strict := rules(STRICT_BLOCKS, filled):
            training.estimate_probability_two_random_records_match(strict, recall=STRICT_RECALL)
        training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS, seed=seed)
        for rule in rules(TRAINING_BLOCKS, filled):
            with contextlib.suppress(EMTrainingException):  # no pair shares it: other blocks will do
                training.estimate_parameters_using_expectation_maximisation(
                    rule, estimate_without_term_frequencies=True, max_pairs=MAX_PAIRS
                )
        learned = linker.misc.save_model_to_json()
    return float(learned["probability_two_random_records_match"]), list(learned["comparisons"])


def _with_parameters(settings: Settings, observed: list[dict[str, Any]], prior: float, pair_count: float) -> Settings:
    """Settings with every m and u filled in, and the prior, rounded to six digits."""
    model = copy.deepcopy(settings)
    model["probability_two_random_records_match"] = _six_digits(prior)
    trust = prior * pair_count / (prior * pair_count + USUAL_PAIRS)
    least_u = 0.5 / min(pair_count, MAX_PAIRS)
    for compared, seen in zip(model["comparisons"], observed, strict=True):
        levels = list(zip(compared["comparison_levels"], seen["comparison_levels"], strict=True))
        levels = [(level, found) for level, found in levels if not (level.get("is_null_level") or level.get("fix_m_probability"))]
        usual = sum(level["m_probability"] for level, _ in levels)
        learned = sum(_number(found.get("m_probability")) for _, found in levels)
        for level, found in levels:
            usual_m = level["m_probability"] / usual
            learned_m = _number(found.get("m_probability")) / learned if learned else usual_m
            m = trust * learned_m + (1 - trust) * usual_m
            if level["sql_condition"] == "ELSE":
                m = max(m, LEAST_ERROR)
            seen_u = _number(found.get("u_probability"))
            u = max((seen_u - prior * m) / (1 - prior), LEAST_CHANCE * seen_u, least_u)
            level["m_probability"], level["u_probability"] = _six_digits(m), _six_digits(u)
    return model


def _expected_matches(records: pl.DataFrame, settings: Settings) -> float:
    """How many of the pairs in reach of the blocks are true, by the model's own probabilities."""
    with open_linker(records, settings, threads=1, memory_limit=None) as linker:
        scored = linker.inference.predict(threshold_match_weight=SEEN_WEIGHT)
        total = linker.misc.query_sql(
            f"SELECT sum(CAST(round(match_probability * 1e6) AS BIGINT)) AS micro FROM {scored.physical_name}"
        )
        return int(total.as_record_list()[0]["micro"] or 0) / 1e6


def _term_frequencies(records: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    """Per column: how many records fill it, and how often each value occurs that occurs more than once."""
    levels = [level for compared in settings["comparisons"] for level in compared["comparison_levels"]]
    frequencies = {}
    for column in sorted({level["tf_adjustment_column"] for level in levels if "tf_adjustment_column" in level}):
        counts = records[column].drop_nulls().value_counts().filter(pl.col("count") > 1).sort(column)
        frequencies[column] = {"filled": records[column].count(), "counts": dict(counts.iter_rows())}
    return frequencies


def _bound(model: Settings, observed: list[dict[str, Any]]) -> float:
    """At most this share of all pairs can be true: no fact agrees more often among true pairs than random pairs allow."""
    bounds = []
    for compared, seen in zip(model["comparisons"], observed, strict=True):
        agreement, level = seen["comparison_levels"][1], compared["comparison_levels"][1]
        bounds.append(_number(agreement.get("u_probability")) / level["m_probability"])
    return min(bounds)


def _number(value: object) -> float:
    """Splink writes a text where it saw no pair on a level."""
    return value if isinstance(value, float) else 0.0


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")

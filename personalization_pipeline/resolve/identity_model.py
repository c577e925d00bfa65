"""Learning how much agreement is worth: the identity artefact, made from standardised records without labels.

Belongs here: training, and what the artefact is made of. Does not belong here: what is compared (comparisons), scoring
with the artefact (link), and where artefacts are kept (foundation.artefacts).

The artefact is a JSON-able dict. Kind 'splink' holds Splink settings with learned m, u and prior, and how common names
are; kind 'exact-keys-only' says that there is too little to learn from, so that only exact keys join records.

m, the share of true pairs on a level, comes from expectation maximisation (Fellegi-Sunter as in Splink: Linacre et al.
2022, IJPDS 7(3)); u, the share of random pairs, from a sample. Three corrections make the weights mean what they say:
usual values of m count like 20 true pairs, so that little data cannot claim much; the true pairs among the random ones
are taken out of u; and the share of true pairs (the prior) is what the model itself finds, not a guess.
"""

from __future__ import annotations

import contextlib
import copy
import statistics
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from personalization_pipeline.foundation.warehouse import Connection, query, scratch_connection
from personalization_pipeline.resolve.blocks import (
    BLOCKS,
    TRAINING_BLOCKS,
    Block,
    bounded,
    columns_of,
    rule_of,
    with_keys,
)
from personalization_pipeline.resolve.comparisons import (
    MIN_COMPARISONS,
    Comparison,
    Level,
    comparisons,
    filled_columns,
    learnable,
)

if TYPE_CHECKING:
    from splink import Linker

Artefact = dict[str, Any]
Settings = dict[str, Any]
Frequencies = dict[str, Any]  # filled: how many records hold a value; counts: of each value that is not unique

VERSION = 1
MIN_RECORDS = 100  # with fewer there is nothing to learn from
MAX_PAIRS = 1_000_001  # random pairs looked at, and pairs of a training block; Splink warns at 1e6, its default
USUAL_PAIRS = 20  # how many true pairs the usual m is worth
LEAST_ERROR = 0.01  # share of true pairs that differ about a fact: no column is without mistakes
LEAST_CHANCE = 0.1  # share of the agreement among random pairs that true pairs cannot explain away
ROUNDS = 2  # of finding the share of true pairs with the model, and the model with that share
UNSEEN = 2  # at most this many true pairs for each one that the blocks find
SEEN_WEIGHT = -10.0  # bits; pairs below hold no share of the true pairs worth counting


def train(standardised: pl.DataFrame, *, seed: int) -> Artefact:
    """Learn the identity artefact from standardised records (see `standardise`); the same for any order of the rows.

    Runs on one thread, because the last digits of sums of floats depend on the order of the summands.
    """
    records = with_keys(standardised.sort("record_key"))
    artefact: Artefact = {"version": VERSION, "record_count": records.height, "seed": seed}
    learning = comparisons(records, learning=True)
    if records.height < MIN_RECORDS or len(learning) < MIN_COMPARISONS:
        return artefact | {"kind": "exact-keys-only"}
    blocks, left_out = bounded(records, filled_columns(records), BLOCKS)
    seen = _learn(records, learning, seed)
    compared = comparisons(records, learning=False)
    pair_count = records.height * (records.height - 1) // 2
    prior = 1 / records.height
    for _ in range(ROUNDS):
        settings = _settings(_with_parameters(compared, seen, prior, pair_count), prior, blocks)
        prior = _share_of_true_pairs(records, settings, seen, pair_count)
    return artefact | {
        "kind": "splink",
        "settings": _settings(_with_parameters(compared, seen, prior, pair_count), prior, blocks),
        "blocks_left_out": left_out,
        "term_frequencies": _term_frequencies(records, compared),
    }


@contextlib.contextmanager
def open_linker(
    records: pl.DataFrame,
    settings: Settings,
    *,
    threads: int | None,
    memory_limit: str | None,
    names: Mapping[str, Frequencies] | None = None,
) -> Iterator[tuple[Linker, Connection]]:
    """A Splink linker over records, and the DuckDB that it alone works in: two linkers in one share term frequencies.

    `names` are the term frequencies to score with, by column; without them Splink counts those of the records.
    """
    from splink import DuckDBAPI, Linker

    connection = scratch_connection(threads, memory_limit)
    try:
        database = DuckDBAPI(connection)
        registered = database.register(records.to_arrow())
        # Splink checks settings that people wrote, at a higher cost than scoring; these were made from the columns.
        linker = Linker(registered, copy.deepcopy(settings), log_level="ERROR", validate_settings=False)
        for column, known in (names or {}).items():
            table = database.register(_frequency_table(records[column], known).to_arrow())
            linker.table_management.register_term_frequency_lookup(table, column)
        yield linker, connection
    finally:
        connection.close()


def _settings(compared: list[Comparison], prior: float, blocks: Iterable[Block] = ()) -> Settings:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_key",
        "probability_two_random_records_match": prior,
        "comparisons": compared,
        "blocking_rules_to_generate_predictions": [rule_of(block) for block in blocks],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }


def _learn(records: pl.DataFrame, compared: list[Comparison], seed: int) -> list[Comparison]:
    """The comparisons with the u that Splink saw, and the median of the m that it learned in each training block.

    A level that no pair reached has a text instead of a number. Every block has a linker of its own, since one in which
    learning fails is no longer whole.
    """
    from splink.internals.exceptions import SplinkException

    settings = _settings(compared, 1 / records.height)
    with open_linker(records, settings, threads=1, memory_limit=None) as (linker, _):
        linker.training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS, seed=seed)
        seen: list[Comparison] = linker.misc.save_model_to_json()["comparisons"]
    learned: dict[tuple[int, int], list[float]] = {}
    blocks, _ = bounded(records, filled_columns(records), TRAINING_BLOCKS)
    for block in blocks:
        places = learnable(compared, columns_of(block))
        if len(places) < MIN_COMPARISONS:
            continue
        settings = _settings(seen, 1 / records.height)
        # Splink gives up on a block without pairs, or without a pair that has both values: other blocks will do.
        with (
            contextlib.suppress(SplinkException),
            open_linker(records, settings, threads=1, memory_limit=None) as (linker, _),
        ):
            linker.training.estimate_parameters_using_expectation_maximisation(
                rule_of(block), estimate_without_term_frequencies=True, max_pairs=MAX_PAIRS
            )
            model = linker.misc.save_model_to_json()["comparisons"]
            for place in places:
                for at, level in enumerate(model[place]["comparison_levels"]):
                    learned.setdefault((place, at), []).append(_number(level, "m_probability"))
    for place, comparison in enumerate(seen):
        for at, level in enumerate(comparison["comparison_levels"]):
            level["m_probability"] = statistics.median(learned.get((place, at), [0.0]))
    return seen


def _with_parameters(
    compared: list[Comparison], seen: list[Comparison], prior: float, pair_count: int
) -> list[Comparison]:
    """The comparisons with every m and u filled in from what was seen, rounded to six digits."""
    filled = copy.deepcopy(compared)
    trust = prior * pair_count / (prior * pair_count + USUAL_PAIRS)
    least_u = 0.5 / min(pair_count, MAX_PAIRS)
    for comparison, found in zip(filled, seen, strict=True):
        levels = _learned_levels(comparison, found)
        usual = sum(level["m_probability"] for level, _ in levels)
        learned = sum(_number(level_seen, "m_probability") for _, level_seen in levels)
        for level, level_seen in levels:
            m = level["m_probability"] / usual
            if learned:
                m = trust * _number(level_seen, "m_probability") / learned + (1 - trust) * m
            if level["sql_condition"] == "ELSE":
                m = max(m, LEAST_ERROR)
            u = _number(level_seen, "u_probability")
            u = max((u - prior * m) / (1 - prior), LEAST_CHANCE * u, least_u)
            level["m_probability"], level["u_probability"] = _six_digits(m), _six_digits(u)
    return filled


def _share_of_true_pairs(records: pl.DataFrame, settings: Settings, seen: list[Comparison], pair_count: int) -> float:
    """How many of all pairs are true, 0..1: those that the blocks find, and those that they must have missed.

    Random pairs bound how many they can have missed: on no fact may the true pairs alone agree more often than all do.
    """
    found = _expected_matches(records, settings) / pair_count
    bound = 1.0
    for comparison, found_levels in zip(settings["comparisons"], seen, strict=True):
        *agreements, _ = _learned_levels(comparison, found_levels)
        level, level_seen = max(agreements, key=lambda both: float(both[0]["m_probability"]))
        bound = min(bound, _number(level_seen, "u_probability") / level["m_probability"])
    share = min(max(found, bound), UNSEEN * found)
    return _six_digits(min(max(share, 0.2 / records.height), 0.1))  # 0.2: one true pair for every ten records


def _expected_matches(records: pl.DataFrame, settings: Settings) -> float:
    """How many of the pairs in reach of the blocks are true, by the model's own probabilities."""
    with open_linker(records, settings, threads=1, memory_limit=None) as (linker, connection):
        scored = linker.inference.predict(threshold_match_weight=SEEN_WEIGHT)
        millionths = f"SELECT sum(CAST(round(match_probability * 1e6) AS BIGINT)) FROM {scored.physical_name}"
        return int(query(connection, millionths)[0][0] or 0) / 1e6


def _term_frequencies(records: pl.DataFrame, compared: list[Comparison]) -> dict[str, Frequencies]:
    """How common the names are, by column; nobody's name that is unique is kept."""
    levels = [level for comparison in compared for level in comparison["comparison_levels"]]
    frequencies = {}
    for column in sorted({level["tf_adjustment_column"] for level in levels if "tf_adjustment_column" in level}):
        counts = records[column].drop_nulls().value_counts().filter(pl.col("count") > 1).sort(column)
        counts = counts.with_columns(pl.col(column).cast(pl.String))
        frequencies[column] = {"filled": records[column].count(), "counts": dict(counts.iter_rows())}
    return frequencies


def _frequency_table(values: pl.Series, known: Frequencies) -> pl.DataFrame:
    """Splink's table of the share of each value; one that was never seen, or once, counts as seen once."""
    column = values.name
    counts = pl.DataFrame(list(known["counts"].items()), schema={column: pl.String, "count": pl.Int64}, orient="row")
    counts = counts.with_columns(pl.col(column).str.to_date() if values.dtype == pl.Date else pl.col(column))
    share = pl.col("count").fill_null(1) / known["filled"]
    distinct = values.drop_nulls().unique().to_frame()
    return distinct.join(counts, on=column, how="left").select(column, share.alias(f"tf_{column}"))


def _learned_levels(comparison: Comparison, seen: Comparison) -> list[tuple[Level, Level]]:
    """The levels that have something to learn, each beside what was seen of it."""
    both = zip(comparison["comparison_levels"], seen["comparison_levels"], strict=True)
    return [(level, found) for level, found in both if not {"is_null_level", "fix_m_probability"} & level.keys()]


def _number(level: Level, parameter: str) -> float:
    """0 where Splink saw no pair: it leaves the parameter out, or writes a text."""
    value = level.get(parameter)
    return value if isinstance(value, float) else 0.0


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")

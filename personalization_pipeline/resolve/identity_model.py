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
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from personalization_pipeline.foundation.warehouse import Connection, frame, put_frame, scratch_connection
from personalization_pipeline.resolve.blocks import (
    BLOCKS,
    Block,
    bounded,
    rule_of,
    with_keys,
)
from personalization_pipeline.resolve.comparisons import (
    MIN_COMPARISONS,
    Comparison,
    Level,
    comparisons,
    filled_columns,
)
from personalization_pipeline.resolve.overrides import Overrides, overridden
from personalization_pipeline.resolve.quick_conditions import quick

if TYPE_CHECKING:
    from splink import Linker

Artefact = dict[str, Any]
Settings = dict[str, Any]
Chances = dict[int, float]  # by the number of a level
Frequencies = dict[str, Any]  # filled: how many records hold a value; counts: of each value that is not unique

VERSION = 2
MIN_RECORDS = 100  # with fewer there is nothing to learn from
MAX_PAIRS = 1_000_001  # random pairs looked at, and pairs of a training block; Splink warns at 1e6, its default
USUAL_PAIRS = 20  # how many true pairs the usual m is worth
LEAST_ERROR = 0.01  # share of true pairs that differ about a fact: no column is without mistakes
LEAST_CHANCE = 0.1  # share of the agreement among random pairs that true pairs cannot explain away
ROUNDS = 100  # of expectation and maximisation; the parameters stand still long before
LEAST_PRIOR = 1.0  # true pairs
MOST_PRIOR = 0.1  # share of all pairs
RAREST = 3  # records: what was seen seldom, or never, is in new data more common than it was
MAX_LEARNED = 3_000_000  # pairs that are learned from


def train(standardised: pl.DataFrame, *, seed: int, own: Overrides | None = None) -> Artefact:
    """Learn the identity artefact from standardised records (see `standardise`); the same for any order of the rows.

    `own` are the comparisons that a project sets; the artefact says so. Only whole numbers are counted by many threads: the
    last digits of sums of floats depend on the order of the summands.
    """
    records = with_keys(standardised.sort("record_key"))
    own = own or {}
    artefact: Artefact = {"version": VERSION, "record_count": records.height, "seed": seed, "overrides": dict(own)}
    filled = filled_columns(records)
    compared = overridden(comparisons(records, by_chance=False), own)
    if records.height < MIN_RECORDS or len(compared) < MIN_COMPARISONS:
        return artefact | {"kind": "exact-keys-only"}
    blocks, left_out, in_reach = bounded(records, filled, BLOCKS)
    one_in = max(1, -(-in_reach // MAX_LEARNED))
    patterns = _patterns(records, compared, blocks, one_in)
    pair_count = records.height * (records.height - 1) / 2 / one_in
    by_chance = overridden(comparisons(records, by_chance=True), own)
    learned, prior = _learn(patterns, compared, _chances(records, by_chance, seed), pair_count)
    return artefact | {
        "kind": "splink",
        "settings": _settings(learned, prior, blocks),
        "blocks_left_out": left_out,
        "term_frequencies": _term_frequencies(records, learned),
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

    There the records are a table, `records`: a frame of one piece would be read by one thread.
    `names` are the term frequencies to score with, by column; without them Splink counts those of the records.
    """
    from splink import DuckDBAPI, Linker

    connection = scratch_connection(threads, memory_limit)
    try:
        database = DuckDBAPI(connection)
        put_frame(connection, "records", records)
        registered = database.register("records")
        # Splink checks settings that people wrote, at a higher cost than scoring; these were made from the columns.
        linker = Linker(registered, _quick(settings), log_level="ERROR", validate_settings=False)
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


def _quick(settings: Settings) -> Settings:
    """The same settings for Splink to run (and to write into)."""
    found = copy.deepcopy(settings)
    for made in found["comparisons"]:
        for level in made["comparison_levels"]:
            level["sql_condition"] = quick(level["sql_condition"])
    return found


def _chances(records: pl.DataFrame, compared: list[Comparison], seed: int) -> list[Chances]:
    """For each comparison the share of random pairs on each of its levels that can be learned."""
    with open_linker(records, _settings(compared, 1 / records.height), threads=1, memory_limit=None) as (linker, _):
        linker.training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS, seed=seed)
        seen: list[Comparison] = linker.misc.save_model_to_json()["comparisons"]
    return [
        {number: _number(found["comparison_levels"][at], "u_probability") for number, at, _ in learned_levels(made)}
        for made, found in zip(compared, seen, strict=True)
    ]


def _patterns(records: pl.DataFrame, compared: list[Comparison], blocks: list[Block], one_in: int) -> pl.DataFrame:
    """How many pairs in reach of the blocks are on which levels, by the numbers that Splink gives to levels. Of `one_in`
    records one is asked for its pairs.

    Splink brings the pairs together; it would weigh them as well, and write down all that it compared.
    """
    asked = records.with_row_index("place").with_columns(is_asked=pl.col("place") % one_in == 0)
    rules = [f"{rule_of(block)} AND l.is_asked" for block in blocks]
    settings = _settings(compared, 0.5) | {
        "unique_id_column_name": "place",
        "blocking_rules_to_generate_predictions": rules,
    }
    sides = ", ".join(f"{side}.{column} AS {column}_{side}" for column in records.columns for side in "lr")
    levels = ", ".join(f"{_level_of(made)} AS {made['output_column_name']}" for made in compared)
    with open_linker(asked, settings, threads=None, memory_limit=None) as (linker, connection):
        pairs = linker.inference.compute_blocked_pairs_for_predict()
        return frame(
            connection,
            f"""
SELECT {levels}, count(*) AS pair_count
FROM (
    SELECT {sides}
    FROM {pairs.physical_name} AS pairs
    JOIN records AS l ON l.place = pairs.join_key_l
    JOIN records AS r ON r.place = pairs.join_key_r
)
GROUP BY ALL
ORDER BY ALL""",
        )


def _learn(
    patterns: pl.DataFrame, compared: list[Comparison], chances: list[Chances], pair_count: float
) -> tuple[list[Comparison], float]:
    """m and u of every level, and the share of all pairs that are true, by expectation maximisation over the patterns.

    `pair_count` is how many random pairs the records behind the patterns make.
    """
    import numpy as np

    counts = patterns["pair_count"].to_numpy().astype(np.float64)
    facts = []
    for made, chance in zip(compared, chances, strict=True):
        numbers = [number for number, _, _ in learned_levels(made)]
        usual = np.array([level["m_probability"] for _, _, level in learned_levels(made)])
        at = np.array(
            [numbers.index(level) if level in numbers else -1 for level in patterns[made["output_column_name"]]]
        )
        facts.append((at, usual / usual.sum(), np.array([chance[number] for number in numbers])))
    m = [usual for _, usual, _ in facts]
    u = [np.maximum(seen, 0.5 / MAX_PAIRS) for _, _, seen in facts]
    prior = 1 / pair_count**0.5
    for _ in range(ROUNDS):
        odds = np.full(len(counts), np.log(prior / (1 - prior)))
        for (at, _, _), mine, theirs in zip(facts, m, u, strict=True):
            odds += np.where(at >= 0, np.log(mine / theirs)[at], 0.0)
        true = counts / (1 + np.exp(-odds))
        prior = min(max(float(true.sum()) / pair_count, LEAST_PRIOR / pair_count), MOST_PRIOR)
        for place, (at, usual, seen) in enumerate(facts):
            found = np.bincount(at[at >= 0], weights=true[at >= 0], minlength=len(usual))
            share = (found + USUAL_PAIRS * usual) / (found.sum() + USUAL_PAIRS)
            m[place] = np.maximum(share, np.where(np.arange(len(usual)) == len(usual) - 1, LEAST_ERROR, 0))
            u[place] = np.maximum(
                (seen - prior * share) / (1 - prior), np.maximum(LEAST_CHANCE * seen, 0.5 / MAX_PAIRS)
            )
    learned = copy.deepcopy(compared)
    for made, mine, theirs in zip(learned, m, u, strict=True):
        for (_, _, level), m_level, u_level in zip(learned_levels(made), mine, theirs, strict=True):
            level["m_probability"], level["u_probability"] = _six_digits(m_level), _six_digits(u_level)
    return learned, _six_digits(prior)


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
    """Splink's table of the share of each value; a rare one counts as seen RAREST times."""
    column = values.name
    counts = pl.DataFrame(list(known["counts"].items()), schema={column: pl.String, "count": pl.Int64}, orient="row")
    counts = counts.with_columns(pl.col(column).str.to_date() if values.dtype == pl.Date else pl.col(column))
    share = pl.max_horizontal(pl.col("count").fill_null(0), RAREST) / known["filled"]
    distinct = values.drop_nulls().unique().to_frame()
    return distinct.join(counts, on=column, how="left").select(column, share.alias(f"tf_{column}"))


def prior_of(artefact: Artefact) -> int:
    """Millibits of any two records, before anything is compared."""
    prior = artefact["settings"]["probability_two_random_records_match"]
    return round(math.log2(prior / (1 - prior)) * 1000)


def learned_levels(made: Comparison) -> list[tuple[int, int, Level]]:
    """The levels that have something to learn: Splink's number, place in the list, level."""
    levels = made["comparison_levels"]
    return [
        (len(levels) - 1 - at, at, level)
        for at, level in enumerate(levels)
        if not {"is_null_level", "fix_m_probability"} & level.keys()
    ]


def _level_of(made: Comparison) -> str:
    """SQL over the columns of a pair (_l and _r): Splink's number of the level that it is on, -1 where it says nothing."""
    *levels, _ = made["comparison_levels"]
    cases = [
        f"WHEN {quick(level['sql_condition'])} THEN {-1 if level.get('is_null_level') else len(levels) - at}"
        for at, level in enumerate(levels)
    ]
    return f"CASE {' '.join(cases)} ELSE 0 END"


def _number(level: Level, parameter: str) -> float:
    """0 where Splink saw no pair: it leaves the parameter out, or writes a text."""
    value = level.get(parameter)
    return value if isinstance(value, float) else 0.0


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")

"""Edges between records: what speaks for one person behind two records, in integer millibits.

Belongs here: scoring pairs with an artefact, and exact keys that need none. Does not belong here: learning
(identity_model), and what follows from the edges (cluster). Each kind of edge has its own producer.

A pair's weight is log2 of the odds that both records are one person; it depends on the two records and the artefact alone,
not on what else is in the data: name frequencies come from the artefact, where a name it has not seen counts as once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import polars as pl

from personalization_pipeline.resolve.identity_model import Artefact, open_linker

LOWEST_WEIGHT = -5_000  # millibits; pairs below are no edges
EXACT_WEIGHT = 10_000  # millibits of an exact key: it outweighs some doubt, but not proof against it
EDGE_SCHEMA = {
    "record_key_l": pl.String,
    "record_key_r": pl.String,
    "kind": pl.String,
    "weight": pl.Int64,
    "evidence": pl.String,
}


def score_pairs(
    standardised: pl.DataFrame,
    new_keys: Iterable[str] | None,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Edges of kind 'splink' from LOWEST_WEIGHT on, among all pairs in reach of the artefact's blocks.

    With `new_keys` only pairs with at least one of these records: what a full run would add to yesterday's edges.
    Gives record_key_l < record_key_r, kind, weight (BIGINT, millibits), evidence (JSON: the prior, and per comparison the
    level's label and its millibits; they add up to the weight), sorted by the keys.
    """
    if artefact["kind"] != "splink" or standardised.height < 2:
        return pl.DataFrame(schema=EDGE_SCHEMA)
    blocks = artefact["settings"]["blocking_rules_to_generate_predictions"]
    records = standardised
    if new_keys is not None:
        records = records.with_columns(is_new=pl.col("record_key").is_in(list(new_keys)))
        blocks = [f"{block} AND (l.is_new OR r.is_new)" for block in blocks]
    scored = _scored(records, artefact, blocks, LOWEST_WEIGHT, threads=threads, memory_limit=memory_limit)
    return scored.select(
        "record_key_l",
        "record_key_r",
        pl.lit("splink").alias("kind"),
        "weight",
        _evidence(artefact).alias("evidence"),
    ).sort("record_key_l", "record_key_r")


def score_within(
    standardised: pl.DataFrame,
    components: pl.DataFrame,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """The weight of every pair of records inside the same component (record_key, component), however low.

    Gives record_key_l < record_key_r and weight (BIGINT, millibits).
    """
    records = components.select("record_key", "component").join(standardised, on="record_key")
    if artefact["kind"] != "splink" or records.height < 2:
        return pl.DataFrame(schema={key: EDGE_SCHEMA[key] for key in ("record_key_l", "record_key_r", "weight")})
    scored = _scored(
        records, artefact, ["l.component = r.component"], None, threads=threads, memory_limit=memory_limit
    )
    return scored.select("record_key_l", "record_key_r", "weight")


def exact_key_edges(standardised: pl.DataFrame) -> pl.DataFrame:
    """Edges that need no model: kind 'email' (same mailbox) and 'phone' (same number, and both names given).

    Both need names that can be one person's, and no two birth dates: families share mailboxes and landlines.
    Same columns as `score_pairs`; a name or birth date that is missing contradicts nothing.
    """
    first_names = (
        (pl.col("first_name_std") == pl.col("first_name_std_r"))
        | (pl.col("first_name_roots").list.set_intersection("first_name_roots_r").list.len() > 0)
        | (
            (pl.min_horizontal(*(pl.col(name).str.len_chars() for name in ("first_name_std", "first_name_std_r"))) == 1)
            & (pl.col("first_name_std").str.head(1) == pl.col("first_name_std_r").str.head(1))
        )
    )
    last_names = pl.col("last_name_std") == pl.col("last_name_std_r")
    birth_dates = pl.col("birth_date") == pl.col("birth_date_r")
    may_be_one = first_names.fill_null(True) & last_names.fill_null(True) & birth_dates.fill_null(True)
    named = (first_names & last_names).fill_null(False)
    edges = [
        standardised.filter(pl.col(column).is_not_null())
        .join(standardised, on=column, suffix="_r")
        .filter((pl.col("record_key") < pl.col("record_key_r")) & condition)
        .select(
            pl.col("record_key").alias("record_key_l"),
            "record_key_r",
            pl.lit(kind).alias("kind"),
            pl.lit(EXACT_WEIGHT, pl.Int64).alias("weight"),
            pl.lit(f'{{"{kind}":{{"level":"same","millibits":{EXACT_WEIGHT}}}}}').alias("evidence"),
        )
        for kind, column, condition in (
            ("email", "email_std", may_be_one),
            ("phone", "phone_std", may_be_one & named),
        )
    ]
    return pl.concat(edges).sort("record_key_l", "record_key_r", "kind")


def _scored(
    records: pl.DataFrame,
    artefact: Artefact,
    blocks: list[str],
    lowest: int | None,
    *,
    threads: int | None,
    memory_limit: str | None,
) -> pl.DataFrame:
    """Pairs in reach of the blocks: keys, weight, and per comparison its gamma_<name> (level) and millibits."""
    settings = artefact["settings"] | {"blocking_rules_to_generate_predictions": blocks}
    limits = {"threads": threads, "memory_limit": memory_limit}
    with open_linker(records, settings, names=artefact["term_frequencies"], **limits) as linker:
        # Splink's own weight is a sum of floats: it may fall short of the sum of whole millibits by a few.
        pairs = linker.inference.predict(threshold_match_weight=None if lowest is None else lowest / 1000 - 1)
        found = linker.misc.query_sql(
            f"SELECT record_key_l, record_key_r, {', '.join(_measures(artefact))} FROM {pairs.physical_name}"
        )
        scored = pl.DataFrame(found.as_pyarrow_table())
    scored = scored.with_columns(weight=pl.sum_horizontal(pl.lit(_prior(artefact), pl.Int64), *_names(artefact)))
    return scored if lowest is None else scored.filter(pl.col("weight") >= lowest)


def _measures(artefact: Artefact) -> Iterator[str]:
    """SQL over Splink's predictions: per comparison the level it reached, and its millibits."""
    for comparison in artefact["settings"]["comparisons"]:
        name, levels = comparison["output_column_name"], comparison["comparison_levels"]
        bits = f"mw_{name}"
        if any("tf_adjustment_column" in level for level in levels):
            bits += f" + mw_tf_adj_{name}"
        yield f"gamma_{name}"
        yield f"CAST(round(({bits}) * 1000) AS BIGINT) AS {name}"


def _names(artefact: Artefact) -> list[str]:
    return [compared["output_column_name"] for compared in artefact["settings"]["comparisons"]]


def _prior(artefact: Artefact) -> int:
    """Millibits for any two records, before anything is compared."""
    prior = artefact["settings"]["probability_two_random_records_match"]
    return round(math.log2(prior / (1 - prior)) * 1000)


def _evidence(artefact: Artefact) -> pl.Expr:
    """JSON text: {"prior": millibits, "<comparison>": {"level": label, "millibits": number}, ...}."""
    parts = [pl.lit(_prior(artefact), pl.Int64).alias("prior")]
    for compared in artefact["settings"]["comparisons"]:
        name, levels = compared["output_column_name"], compared["comparison_levels"]
        labels = [level["label_for_charts"] for level in levels]
        # Splink numbers levels from the last one, 0, upwards; a missing value is -1.
        numbers = [-1, *range(len(levels) - 2, -1, -1)]
        level = pl.col(f"gamma_{name}").replace_strict(numbers, labels, return_dtype=pl.String)
        parts.append(pl.struct(level.alias("level"), pl.col(name).alias("millibits")).alias(name))
    return pl.struct(parts).struct.json_encode()

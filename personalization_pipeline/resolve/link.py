"""Edges between records: what speaks for one person behind two records, in whole millibits.

Belongs here: scoring pairs with an artefact, and exact keys, which need none. Does not belong here: learning
(identity_model), what is compared (comparisons), and what follows from the edges (cluster).

A pair's weight is log2 of the odds that both records are one person. It depends on the two records and the artefact
alone, not on what else is in the data: how common a name is stands in the artefact; an unknown one counts as once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from personalization_pipeline.foundation.warehouse import frame, put_frame, scratch_connection
from personalization_pipeline.resolve.blocks import with_keys
from personalization_pipeline.resolve.comparisons import INITIAL, NICKNAME, Comparison, same
from personalization_pipeline.resolve.identity_model import Artefact, open_linker, prior_of

LOWEST_WEIGHT = -5_000  # millibits; a pair below is no edge
ANY_WEIGHT = -1_000_000  # millibits; no pair is below
KEY_WEIGHT = 25_000  # millibits of a customer number: no evidence weighs more
EXACT_WEIGHT = 10_000  # millibits of an exact key: it outweighs doubt, but not proof against it
EDGE_SCHEMA: dict[str, pl.DataType] = {
    "record_key_l": pl.String(),
    "record_key_r": pl.String(),
    "kind": pl.String(),
    "weight": pl.Int64(),
    "levels": pl.List(pl.Int8),
    "facts": pl.List(pl.Int64),
    "said": pl.String(),
}
WEIGHED = ("record_key_l", "record_key_r", "weight", "facts")


def score_pairs(
    standardised: pl.DataFrame,
    new_keys: Iterable[str] | None,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Edges of kind 'splink' from LOWEST_WEIGHT on, among all pairs in reach of the artefact's blocks.

    With `new_keys` only pairs with at least one of these records: what they add to the edges of the others.
    Gives record_key_l < record_key_r, kind, weight (BIGINT, millibits), levels (of each comparison in the order of the
    artefact, by Splink's numbers) and facts (their millibits; 0 where a pair says nothing), sorted by the keys.
    """
    if artefact["kind"] != "splink" or standardised.height < 2:
        return pl.DataFrame(schema=EDGE_SCHEMA)
    blocks = artefact["settings"]["blocking_rules_to_generate_predictions"]
    records = with_keys(standardised)
    if new_keys is not None:
        records = _in_reach(records.with_columns(is_new=pl.col("record_key").is_in(list(new_keys))), blocks)
        # In two parts, each of which the engine begins with the few that are new.
        blocks = [f"{block} AND {part}" for block in blocks for part in ("l.is_new", "r.is_new AND NOT l.is_new")]
    return _as_edges(_scored(records, artefact, blocks, LOWEST_WEIGHT, threads, memory_limit))


def score_all(standardised: pl.DataFrame, artefact: Artefact) -> pl.DataFrame:
    """Every pair of a few records, however low it weighs: same columns and order as `score_pairs`."""
    if artefact["kind"] != "splink" or standardised.height < 2:
        return pl.DataFrame(schema=EDGE_SCHEMA)
    block = "l.place <> r.place"
    return _as_edges(_scored(standardised, artefact, [block], ANY_WEIGHT, None, None))


def evidence_of(artefact: Artefact, levels: Sequence[int], facts: Sequence[int]) -> dict[str, Any]:
    """What a scored pair's weight is made of: the prior's millibits, and per comparison the label of its level and its millibits.

    They add up to the weight. The table `edge_evidence` tells the same of a night's edges.
    """
    told: dict[str, Any] = {"prior": prior_of(artefact)}
    for comparison, level, millibits in zip(artefact["settings"]["comparisons"], levels, facts, strict=True):
        label = dict(level_labels(comparison))[level]
        told[comparison["output_column_name"]] = {"level": label, "millibits": millibits}
    return told


def level_labels(comparison: Comparison) -> Iterator[tuple[int, str]]:
    """Splink's number of each level, and what it is called: the last one is 0, a missing value -1."""
    labels = [level["label_for_charts"] for level in comparison["comparison_levels"]]
    return zip([-1, *range(len(labels) - 2, -1, -1)], labels, strict=True)


def _as_edges(scored: pl.DataFrame) -> pl.DataFrame:
    return scored.select(
        "record_key_l",
        "record_key_r",
        pl.lit("splink").alias("kind"),
        "weight",
        "levels",
        "facts",
        pl.lit(None, pl.String).alias("said"),
    ).sort("record_key_l", "record_key_r")


def _in_reach(records: pl.DataFrame, blocks: list[str]) -> pl.DataFrame:
    """The new records and those that a block brings together with one: what scoring costs follows what is new.

    A block is a condition over l and r that holds for both orders of a pair.
    """
    read = sorted({column for block in blocks for column in re.findall(r"\br\.(\w+)", block)})
    connection = scratch_connection()
    try:
        # A frame of one piece would be read by one thread.
        put_frame(connection, "records", records.select("record_key", "is_new", *read))
        connection.execute("CREATE TABLE news AS SELECT * FROM records WHERE is_new")
        reached = "\nUNION ALL\n".join(
            f"SELECT r.record_key FROM records AS r SEMI JOIN news AS l ON {block}" for block in blocks
        )
        keys = frame(connection, f"SELECT record_key FROM news UNION ALL {reached}")
    finally:
        connection.close()
    return records.join(keys, on="record_key", how="semi")


def score_within(
    standardised: pl.DataFrame,
    components: pl.DataFrame,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """The weight of every pair of records of one component that were not in one before, however low it is.

    `components` has record_key, component and component_before (NULL: in none). Gives record_key_l < record_key_r and
    weight (BIGINT, millibits) and facts (as `score_pairs`).
    """
    if artefact["kind"] != "splink" or components.height < 2:
        return pl.DataFrame(schema={column: EDGE_SCHEMA[column] for column in WEIGHED})
    inside = components.select("record_key", "component", "component_before")
    records = with_keys(inside.join(standardised, on="record_key"))
    block = "l.component = r.component AND coalesce(l.component_before <> r.component_before, true)"
    scored = _scored(records, artefact, [block], None, threads, memory_limit)
    return scored.select(WEIGHED)


def given_key_edges(standardised: pl.DataFrame) -> pl.DataFrame:
    """Edges of kind 'key': a source says of a record which record of another source it is (`same_as_key`).

    Same columns and order as `score_pairs`.
    """
    pairs = standardised.select("record_key", "same_as_key").join(
        standardised.select(same_as_key="record_key"), on="same_as_key"
    )
    both = (pl.col("record_key"), pl.col("same_as_key"))
    return (
        pairs.select(
            record_key_l=pl.min_horizontal(*both),
            record_key_r=pl.max_horizontal(*both),
            kind=pl.lit("key"),
            weight=pl.lit(KEY_WEIGHT, pl.Int64),
            **{name: pl.lit(None, EDGE_SCHEMA[name]) for name in ("levels", "facts", "said")},
        )
        .filter(pl.col("record_key_l") < pl.col("record_key_r"))
        .unique(["record_key_l", "record_key_r"])
        .sort("record_key_l", "record_key_r")
    )


def exact_key_edges(standardised: pl.DataFrame) -> pl.DataFrame:
    """Edges that need no model: kind 'email' (same mailbox) and 'phone' (same number under the same name).

    Names and birth dates must not contradict each other; a missing one contradicts nothing, but a record without a name
    is joined by no mailbox that different first names share. Same columns and order as `score_pairs`.
    """
    sides = ", ".join(f"l.{column} AS {column}_l, r.{column} AS {column}_r" for column in standardised.columns)
    pairs = "\nUNION ALL\n".join(
        f"SELECT '{kind}' AS kind, l.{column} AS key, {sides}"
        f" FROM records AS l JOIN records AS r ON l.{column} = r.{column} AND l.record_key < r.record_key"
        for kind, column in (("email", "email_std"), ("phone", "phone_std"))
    )
    connection = scratch_connection()
    try:
        connection.register("records", standardised)
        return frame(
            connection,
            f"""
WITH pairs AS (
{pairs}
), judged AS (
    SELECT
        *,
        {same("first_name_std")} OR {NICKNAME} OR {INITIAL} AS is_one_first_name,
        {same("last_name_std")} AS is_one_last_name,
        {same("birth_date")} AS is_one_birth_date
    FROM pairs
), shared AS (
    SELECT *, coalesce(bool_or(NOT is_one_first_name) OVER (PARTITION BY kind, key), false) AS is_shared
    FROM judged
)
SELECT record_key_l, record_key_r, kind, CAST({EXACT_WEIGHT} AS BIGINT) AS weight,
    CAST(NULL AS TINYINT[]) AS levels, CAST(NULL AS BIGINT[]) AS facts, CAST(NULL AS VARCHAR) AS said
FROM shared
WHERE coalesce(is_one_first_name, true) AND coalesce(is_one_last_name, true) AND coalesce(is_one_birth_date, true)
    AND (coalesce(is_one_first_name AND is_one_last_name, false) OR (kind = 'email' AND NOT is_shared))
ORDER BY record_key_l, record_key_r, kind""",
        )
    finally:
        connection.close()


def _scored(
    records: pl.DataFrame,
    artefact: Artefact,
    blocks: list[str],
    lowest: int | None,
    threads: int | None,
    memory_limit: str | None,
) -> pl.DataFrame:
    """Pairs in reach of the blocks: both keys, weight, facts; levels too where there is a lowest weight."""
    # Pairs are many: they are kept by places in the order of the keys, which take a quarter of the room.
    keys = records["record_key"].sort()
    placed = records.with_columns(place=pl.col("record_key").rank("ordinal") - 1).drop("record_key")
    # Without a lowest weight nobody asks for levels. Splink writes them down beside the values that it compared, which
    # takes longer than comparing.
    told = lowest is not None
    settings = artefact["settings"] | {
        "unique_id_column_name": "place",
        "blocking_rules_to_generate_predictions": blocks,
        "retain_matching_columns": told,
    }
    known = artefact["term_frequencies"]
    with open_linker(placed, settings, threads=threads, memory_limit=memory_limit, names=known) as (
        linker,
        connection,
    ):
        # Splink compares its own sum of floats, which may be some millibits less than our sum of whole ones.
        pairs = linker.inference.predict(threshold_match_weight=None if lowest is None else lowest / 1000 - 1)
        measures = ", ".join(_measures(artefact, has_level=told))
        scored = frame(connection, f"SELECT place_l, place_r, {measures} FROM {pairs.physical_name}")
    names = _names(artefact)
    scored = scored.with_columns(
        record_key_l=keys.gather(scored["place_l"]),
        record_key_r=keys.gather(scored["place_r"]),
        weight=pl.sum_horizontal(pl.lit(prior_of(artefact), pl.Int64), *names),
        facts=pl.concat_list(names),
    )
    if lowest is None:
        return scored
    levels = pl.concat_list([pl.col(f"gamma_{name}").cast(pl.Int8) for name in names])
    return scored.filter(pl.col("weight") >= lowest).with_columns(levels=levels)


def _measures(artefact: Artefact, *, has_level: bool) -> Iterator[str]:
    """SQL over Splink's predictions: for each comparison the level that was reached, and its millibits."""
    for comparison in artefact["settings"]["comparisons"]:
        name, levels = comparison["output_column_name"], comparison["comparison_levels"]
        has_frequency = any("tf_adjustment_column" in level for level in levels)
        bits = f"mw_{name} + mw_tf_adj_{name}" if has_frequency else f"mw_{name}"
        if has_level:
            yield f"gamma_{name}"
        yield f"CAST(round(({bits}) * 1000) AS BIGINT) AS {name}"


def _names(artefact: Artefact) -> list[str]:
    return [comparison["output_column_name"] for comparison in artefact["settings"]["comparisons"]]

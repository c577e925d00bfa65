"""How many of tonight's links may be wrong, and what else is odd about tonight's people: without a truth.

Belongs here: what can be told from weights, clusters and what sources promise. Does not belong here: whether the records are
still those that the model was learned from (drift), which figure is too much (figures.yaml), and measuring against a truth
(labelled.evaluation).

A link is an edge from the cut on, or an exact key, between two records of one person; what people have said is none.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from personalization_pipeline.foundation.warehouse import Connection, frame, literal, query
from personalization_pipeline.resolve.components import CUT
from personalization_pipeline.resolve.corrections import NEVER, SAME
from personalization_pipeline.resolve.drift import Rows

CERTAIN = 50_000  # millibits: what is heavier is no doubt of anybody


def quality(c: Connection, cut: int, once: Collection[str]) -> Rows:
    """Figures about the tables `clusters` and `edges` of a night; `once` are the sources that hold each person once."""
    records, largest, loosened = query(
        c,
        "SELECT coalesce(sum(records), 0), coalesce(max(records), 0), coalesce(sum(loosened), 0) FROM (SELECT count(*) AS records, "
        f"count(*) FILTER (component_cut > {cut}) AS loosened FROM clusters GROUP BY cluster_key)",
    )[0]
    edges = frame(c, "SELECT record_key_l, record_key_r, kind, weight FROM edges")
    found = links(edges, frame(c, "SELECT record_key, cluster_key FROM clusters"), cut)
    rows: Rows = [
        ("links expected to be wrong", "by their weights", expected_false_share(found["weight"]), None),
        ("largest person", "records", int(largest) * 1_000_000, None),
        ("records of components too large to be weighed", "", int(loosened) * 1_000_000 // max(int(records), 1), None),
    ]
    if once:
        told = _by_single_sources(c, cut, once, found.height)
        rows.append(("links wrong at most", "by sources that hold each person once", told, None))
    return rows


def links(edges: pl.DataFrame, clusters: pl.DataFrame, cut: int = CUT) -> pl.DataFrame:
    """record_key_l, record_key_r, weight of every link: what all that is compared weighs; an exact key's weight where
    nothing was compared.
    """
    weight, is_scored, found = pl.col("weight"), pl.col("kind") == "splink", edges
    # Pairs are told apart by places, which takes less than by their keys.
    for side in ("l", "r"):
        ends = clusters.select(pl.int_range(pl.len()).alias(side), "record_key", "cluster_key")
        found = found.join(ends.rename({"record_key": f"record_key_{side}"}), on=f"record_key_{side}", suffix="_r")
    inside = found.filter((pl.col("cluster_key") == pl.col("cluster_key_r")) & ~pl.col("kind").is_in([SAME, NEVER]))
    pairs = inside.group_by("l", "r").agg(
        pl.coalesce(weight.filter(is_scored).max(), weight.max()), is_link=(~is_scored | (weight >= cut)).any()
    )
    keys, held = clusters["record_key"], pairs.filter("is_link")
    return held.select(record_key_l=keys.gather(held["l"]), record_key_r=keys.gather(held["r"]), weight="weight")


def expected_false_share(weights: pl.Series) -> int | None:
    """Of links with these weights (millibits) the share that is expected to be of two people, in millionths; None of none.

    Of pairs of w bits one in 1 + 2^w is two people (posterior odds, Fellegi and Sunter 1969). It takes the facts that are
    compared for independent, which those of relatives are not. Whole numbers: their sum does not depend on the order.
    """
    if weights.is_empty():
        return None
    bits = weights.clip(-CERTAIN, CERTAIN).cast(pl.Float64) / 1000
    return int((1_000_000 / (1 + 2**bits)).round().cast(pl.Int64).sum()) // len(weights)


def _by_single_sources(c: Connection, cut: int, once: Collection[str], link_count: int) -> int | None:
    """The share of links that would be wrong if strangers of all sources were as often alike as those inside these.

    Two records of such a source are never one person: how many of their pairs reach the cut is how often a pair is wrong.
    More than there are: groups are parted by what all their records say, and no link is inside such a source.
    """
    listed, source = ", ".join(map(literal, sorted(once))), "split_part({}, ':', 1)"
    sizes = query(
        c,
        f"SELECT {source.format('record_key')} IN ({listed}) AS is_once, count(*) FROM clusters "
        f"GROUP BY {source.format('record_key')}",
    )
    proven = query(
        c,
        f"SELECT count(*) FROM edges WHERE kind = 'splink' AND weight >= {cut} AND "
        f"{source.format('record_key_l')} = {source.format('record_key_r')} AND {source.format('record_key_l')} IN ({listed})",
    )[0][0]
    count = sum(size for _, size in sizes)
    inside = sum(size * (size - 1) // 2 for is_once, size in sizes if is_once)
    outside = count * (count - 1) // 2 - inside
    return 1_000_000 * proven * outside // (inside * link_count) if inside and link_count else None

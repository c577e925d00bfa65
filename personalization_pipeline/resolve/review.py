"""Where a merge is weakest: the one pair of records without which a person would be two.

Belongs here: the weakest link of each cluster. Does not belong here: which questions are worth asking (review_queue.sql).

The strongest chains between the records of a cluster are its maximum spanning tree (Kruskal 1956); the weakest pair in it
is the weakest link: whatever else connects the two sides is weaker still.
"""

from __future__ import annotations

import polars as pl

WEAK = 3_500  # millibits above the cut up to which a link is weak: people are asked about it
WEAKEST_LINKS = {
    "record_key_l": "VARCHAR",
    "record_key_r": "VARCHAR",
    "weight": "BIGINT",
    "side_count": "BIGINT",
}


def weakest_links(clusters: pl.DataFrame, pairs: pl.DataFrame, below: int) -> pl.DataFrame:
    """The weakest link of each cluster in which it weighs less than `below` (millibits): columns WEAKEST_LINKS.

    `clusters` has record_key and cluster_key; `pairs` (record_key_l < record_key_r, weight) the heaviest tie of each pair
    of records of one cluster. side_count: records on the smaller side of the link. Of equal ones that of the smallest keys.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    keys = ["record_key_l", "record_key_r"]
    if pairs.is_empty():
        kinds = [pl.String, pl.String, pl.Int64, pl.Int64]
        return pl.DataFrame(schema=dict(zip(WEAKEST_LINKS, kinds, strict=True)))
    place = clusters.sort("record_key").select("record_key", "cluster_key").with_row_index("place")
    # In the order of strength: no two have the same place in it, so that there is one tree.
    ordered = pairs.sort("weight", *keys, descending=[True, False, False]).with_row_index("rank", offset=1)
    for side in ("l", "r"):
        ends = place.select(pl.col("record_key").alias(f"record_key_{side}"), pl.col("place").alias(side))
        ordered = ordered.join(ends, on=f"record_key_{side}", maintain_order="left")
    shape = (place.height, place.height)
    ends_of = (ordered["l"].to_numpy(), ordered["r"].to_numpy())
    tree = minimum_spanning_tree(
        coo_array((ordered["rank"].to_numpy().astype(np.float64), ends_of), shape=shape).tocsr()
    )
    kept = ordered.join(pl.DataFrame({"rank": tree.tocoo().data}).cast({"rank": ordered.schema["rank"]}), on="rank")
    kept = kept.join(place.select("place", "cluster_key"), left_on="l", right_on="place").sort("rank")
    weakest = kept.group_by("cluster_key", maintain_order=True).last()
    rest = kept.join(weakest, on="rank", how="anti")
    linked = (np.ones(rest.height, dtype=np.int8), (rest["l"].to_numpy(), rest["r"].to_numpy()))
    _, labels = connected_components(coo_array(linked, shape=shape), directed=False)
    sides = place.with_columns(side=pl.Series(labels)).with_columns(side_count=pl.len().over("side").cast(pl.Int64))
    for side in ("l", "r"):
        counts = sides.select(pl.col("place").alias(side), pl.col("side_count").alias(f"count_{side}"))
        weakest = weakest.join(counts, on=side)
    return (
        weakest.filter(pl.col("weight") < below)
        .select(*keys, "weight", side_count=pl.min_horizontal("count_l", "count_r"))
        .sort(keys)
    )

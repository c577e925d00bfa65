"""Who is one person: records grouped by the weight of all the evidence between them.

Belongs here: from components and the weights inside them to clusters. Does not belong here: what hangs together
(components), and which name a cluster keeps over the nights (records.sql).

Average-link agglomeration (UPGMA, Sokal and Michener 1958) inside each component: the two groups with the highest mean
weight between their records join, until no mean reaches CUT. Sums are whole numbers and ties go to the smallest record
key, so the result depends on nothing but the records and the edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from personalization_pipeline.resolve.components import CLIP, CUT, components, inner_pairs
from personalization_pipeline.resolve.identity_model import Artefact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def cluster(
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Every record once, with the smallest record key of its cluster: what a night that remembers nothing makes of its edges.

    `edges` are those of `score_pairs` and `exact_key_edges`. Gives the columns of `groups`.
    """
    found = components(edges, standardised, artefact)
    inner = inner_pairs(found, edges, standardised, artefact, threads=threads, memory_limit=memory_limit)
    weights = pl.concat([edges.select(inner.columns), inner])
    return groups(found, weights)


def groups(found: pl.DataFrame, weights: pl.DataFrame, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every record once: record_key, cluster_key, component_cut, component_digest, sorted by record_key.

    `found` are `components`; `weights` (record_key_l, record_key_r, weight in millibits) those of all edges and inner
    pairs, of which the highest of a pair counts. `before` (record_key, cluster_key, component_digest) are the groups of
    an earlier night: a component whose digest stood there is cut as it was then.
    """
    # Two records alone need no second look: their edge reaches the cut, and there is no third to disagree.
    several = found.filter(pl.len().over("component") > 2).sort("component", "record_key")
    known = pl.DataFrame(schema={"record_key": pl.String, "cluster_key": pl.String, "component_digest": pl.String})
    if before is not None:
        known = before.select(known.columns).join(several, on=["record_key", "component_digest"], how="semi")
    changed = several.join(known, on="record_key", how="anti", maintain_order="left")
    joined = pl.DataFrame(
        {"record_key": changed["record_key"], "cluster_key": _joined(changed, _pairs(changed, weights))},
        schema={"record_key": pl.String, "cluster_key": pl.String},
    )
    return (
        found.join(pl.concat([joined, known.select(joined.columns)]), on="record_key", how="left")
        .select(
            "record_key",
            pl.col("cluster_key").fill_null(pl.col("record_key").min().over("component")),
            "component_cut",
            "component_digest",
        )
        .sort("record_key")
    )


def _pairs(several: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """The highest weight of each pair inside a component, clipped: component, l, r, weight.

    l and r count the records of a component from 0 in the order of their keys. A pair that nothing weighs has weight 0.
    """
    rank = several.select("record_key", "component", rank=pl.int_range(pl.len()).over("component"))
    for side in ("l", "r"):
        ends = rank.rename({"record_key": f"record_key_{side}", "component": f"component_{side}", "rank": side})
        weights = weights.join(ends, on=f"record_key_{side}")
    same = weights.filter(pl.col("component_l") == pl.col("component_r")).rename({"component_l": "component"})
    highest = same.group_by("component", "l", "r").agg(pl.col("weight").max().clip(-CLIP, CLIP))
    return highest.sort("component")


def _joined(several: pl.DataFrame, pairs: pl.DataFrame) -> list[str]:
    """The smallest record key of the group of each row of `several` (sorted by component and record key)."""
    import numpy as np

    keys = several["record_key"].to_list()
    sizes = several.group_by("component", maintain_order=True).len()
    ends = np.searchsorted(pairs["component"].to_numpy(), sizes["component"].to_numpy(), side="right")
    left, right, weight = (pairs[column].to_numpy() for column in ("l", "r", "weight"))
    joined: list[str] = []
    start = 0
    for size, end in zip(sizes["len"].to_list(), ends.tolist(), strict=True):
        weights = np.zeros((size, size), dtype=np.int64)
        weights[left[start:end], right[start:end]] = weight[start:end]
        first = len(joined)
        joined += [keys[first + member] for member in agglomerate(weights + weights.T, CUT)]
        start = end
    return joined


def agglomerate(weights: NDArray[np.int64], cut: int) -> list[int]:
    """Average-link groups of n records: for each record the smallest record of its group.

    `weights` is symmetric with a diagonal of 0 (n x n, millibits). Of several pairs of groups with the same mean the
    one with the smallest records joins first. A mean is one division of whole numbers: equal means are equal floats.
    """
    import numpy as np

    count = len(weights)
    sums, sizes, group = weights.copy(), np.ones(count, dtype=np.int64), np.arange(count)
    means = sums.astype(np.float64)
    np.fill_diagonal(means, -np.inf)
    nearest, best = means.argmax(axis=1), means.max(axis=1)
    while best.max() >= cut:
        one = int(best.argmax())
        other = int(means[one].argmax())
        group[group == other] = one
        sums[one] += sums[other]
        sums[:, one] = sums[one]
        sizes[one] += sizes[other]
        gone = np.isneginf(means[one]) | np.isneginf(means[other])
        means[one] = np.where(gone, -np.inf, sums[one] / (sizes[one] * sizes))
        means[:, one] = means[one]
        means[other] = means[:, other] = -np.inf
        # The new mean lies between the two old ones, so only rows that had one of these as their best need a new best.
        stale = (nearest == one) | (nearest == other)
        stale[[one, other]] = True
        nearest[stale], best[stale] = means[stale].argmax(axis=1), means[stale].max(axis=1)
    return [int(first) for first in group]

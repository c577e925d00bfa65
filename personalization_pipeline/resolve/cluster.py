"""Who is one person: records grouped by the weight of all the evidence between them.

Belongs here: from edges to clusters. Does not belong here: what an edge is worth (link), and which name a cluster keeps
over the nights (ids).

Connected components of the edges come first. Inside a component all pairs are scored, since what speaks against a
merge is rarely an edge. Then average-link agglomeration (UPGMA, Sokal and Michener 1958): the two groups with the
highest mean weight between their records join, until no mean reaches CUT. Sums are whole numbers and ties go to the
smallest record key, so the result depends on nothing but the records and the edges.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from personalization_pipeline.foundation.artefacts import key_of
from personalization_pipeline.resolve.identity_model import Artefact
from personalization_pipeline.resolve.link import score_within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Millibits: mean odds of eleven to one. One constant for data of every kind: lower ones merge relatives who share a name
# and an address (at 1,500 half of the demo's worlds fell below a precision of .99), higher ones part people who moved
# and changed their mailbox. A person who sees another's data costs more than one who is known twice.
CUT = 3_500
CLIP = 25_000  # millibits: no single pair outweighs everything else
MAX_COMPONENT = 2_000  # records: all pairs of a larger component would be too many
STEP = 2_000  # millibits by which the cut of a larger component rises


def cluster(
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    artefact: Artefact,
    *,
    before: pl.DataFrame | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Every record once, with the smallest record key of its cluster: record_key, cluster_key, component_cut, component_digest.

    `edges` are those of `score_pairs` and `exact_key_edges`. component_cut (BIGINT, millibits) is CUT, or more where a
    component was so large that only its stronger edges may hold it together: something to look at.
    `before` are the clusters of an earlier night: a component whose component_digest stood there is cut as it was then.
    The digest is NULL in components of one or two records, and everywhere where no record has a contact_digest.
    """
    found = components(edges, standardised["record_key"])
    # Two records alone need no second look: their edge reaches the cut, and there is no third to disagree.
    several = found.filter(pl.len().over("component") > 2).sort("component", "record_key")
    digests = _digests(several, edges, standardised, artefact)
    several = several.join(digests, on="component", maintain_order="left")
    known = pl.DataFrame(schema={"record_key": pl.String, "cluster_key": pl.String, "component_digest": pl.String})
    if before is not None:
        known = before.select(known.columns).join(several, on=["record_key", "component_digest"], how="semi")
    changed = several.join(known, on="record_key", how="anti", maintain_order="left")
    pairs = _pairs(edges, standardised, changed, artefact, threads, memory_limit)
    joined = pl.DataFrame(
        {"record_key": changed["record_key"], "cluster_key": _joined(changed, pairs)},
        schema={"record_key": pl.String, "cluster_key": pl.String},
    )
    return (
        found.join(digests, on="component", how="left")
        .join(pl.concat([joined, known.select(joined.columns)]), on="record_key", how="left")
        .select(
            "record_key",
            pl.col("cluster_key").fill_null(pl.col("record_key").min().over("component")),
            "component_cut",
            "component_digest",
        )
        .sort("record_key")
    )


def _digests(
    several: pl.DataFrame, edges: pl.DataFrame, standardised: pl.DataFrame, artefact: Artefact
) -> pl.DataFrame:
    """Per component the md5 of all that decides how it is cut: component, component_digest.

    Scored edges follow from the records and the artefact. An exact key does not: others may share it.
    """
    if "contact_digest" not in standardised.columns:
        return several.select(pl.col("component").unique(), component_digest=pl.lit(None, pl.String))
    records = several.join(standardised.select("record_key", "contact_digest"), on="record_key").select(
        "component", text=pl.format("{} {}", "record_key", "contact_digest")
    )
    exact = (
        edges.filter(pl.col("kind") != "splink")
        .join(several.select("component", record_key_l="record_key"), on="record_key_l")
        .join(several.select("component", record_key_r="record_key"), on=["component", "record_key_r"])
        .select("component", text=pl.format("{} {} {}", "record_key_l", "record_key_r", "weight"))
    )
    texts = pl.concat([records, exact]).group_by("component").agg(pl.col("text").sort().str.join("\n"))
    key = key_of(artefact)
    digests = [hashlib.md5(f"{key}\n{text}".encode()).hexdigest() for text in texts["text"]]
    return texts.select("component", component_digest=pl.Series(digests, dtype=pl.String))


def components(edges: pl.DataFrame, record_keys: pl.Series, limit: int = MAX_COMPONENT) -> pl.DataFrame:
    """Every record once with its connected component by edges from CUT on: record_key, component, component_cut.

    A component of more than `limit` records loses its weakest edges, step by step, until its parts are small enough.
    Where even the strongest edges hold too many records together each of them stays alone.
    """
    keys = record_keys.sort()
    place = pl.DataFrame({"record_key": keys, "place": range(len(keys))}, schema_overrides={"place": pl.Int64})
    ends = edges.group_by("record_key_l", "record_key_r").agg(pl.col("weight").max())
    for side in ("l", "r"):
        ends = ends.join(place.rename({"record_key": f"record_key_{side}", "place": side}), on=f"record_key_{side}")
    done, rest, cut = [], place, CUT
    while rest.height and cut <= CLIP:
        ends = ends.filter(pl.col("weight") >= cut)
        labelled = rest.with_columns(component=_connected(ends, len(keys)).gather(rest["place"]))
        labelled = labelled.with_columns(component_cut=pl.lit(cut, pl.Int64), size=pl.len().over("component"))
        done.append(labelled.filter(pl.col("size") <= limit))
        rest = labelled.filter(pl.col("size") > limit).select("record_key", "place")
        ends = ends.filter(pl.col("l").is_in(rest["place"].to_list()))
        cut += STEP
    done.append(rest.with_columns(component=pl.col("place"), component_cut=pl.lit(cut, pl.Int64)))
    return pl.concat(done, how="diagonal").select("record_key", "component", "component_cut").sort("record_key")


def _connected(ends: pl.DataFrame, count: int) -> pl.Series:
    """For each of `count` places the smallest place that it is connected to by the ends l and r."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    linked = (np.ones(ends.height, dtype=np.int8), (ends["l"].to_numpy(), ends["r"].to_numpy()))
    _, labels = connected_components(coo_array(linked, shape=(count, count)), directed=False)
    places = pl.DataFrame({"label": labels, "place": np.arange(count)})
    return places.select(pl.col("place").min().over("label")).to_series()


def _pairs(
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    several: pl.DataFrame,
    artefact: Artefact,
    threads: int | None,
    memory_limit: str | None,
) -> pl.DataFrame:
    """All weighed pairs inside components, the highest of a pair's weights, clipped: component, l, r, weight.

    l and r count the records of a component from 0 in the order of their keys. A pair that nothing weighs has weight 0.
    """
    keys = ["record_key_l", "record_key_r"]
    scored = score_within(standardised, several, artefact, threads=threads, memory_limit=memory_limit)
    others = edges.filter(pl.col("kind") != "splink").select(*keys, "weight")
    rank = several.with_columns(rank=pl.int_range(pl.len()).over("component"))
    pairs = pl.concat([scored, others]).group_by(keys).agg(pl.col("weight").max().clip(-CLIP, CLIP))
    for side in ("l", "r"):
        pairs = pairs.join(
            rank.select(
                pl.col("record_key").alias(f"record_key_{side}"),
                pl.col("rank").alias(side),
                pl.col("component").alias(f"component_{side}"),
            ),
            on=f"record_key_{side}",
        )
    same = pairs.filter(pl.col("component_l") == pl.col("component_r"))
    return same.select(pl.col("component_l").alias("component"), "l", "r", "weight").sort("component")


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

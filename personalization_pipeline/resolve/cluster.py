"""Who is one person: records grouped by the weight of all the evidence between them.

Belongs here: from components and the weights inside them to clusters. Does not belong here: what hangs together
(components), and which name a cluster keeps over the nights (records.sql).

Agglomeration inside each component: the two groups with the highest weight between them join, until none reaches the cut.
What two groups weigh is counted fact by fact, as a pair is: of the pairs of records that say something about a fact,
three quarters of their mean and a quarter of the best one. So a record that says little neither helps nor harms, a
typo or a former address is outvoted, and two people of one name stay apart by what their other records say. What is no
fact of a pair (the prior, an exact key) is averaged over all pairs (UPGMA, Sokal and Michener 1958). All are whole
numbers and ties go to the smallest record key, so the result depends on nothing but the records and the edges.

People's word comes before all evidence: whoever is `same` ends in one group, and no two groups join that would bring
together what is `never` one person, or two records of a source that holds each person once. What is `same` is no
evidence about others: it joins the groups that form, it does not part them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import polars as pl

from personalization_pipeline.resolve.agglomeration import agglomerate
from personalization_pipeline.resolve.components import CUT, components, inner_pairs, source_of, with_keys_holding
from personalization_pipeline.resolve.corrections import NEVER, SAME
from personalization_pipeline.resolve.identity_model import Artefact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PLACE = ["size", "place", "l", "r"]  # of a pair: size of its component, which of that size, and two of its records
CELLS = 200_000  # pairs of records that are weighed at once: what groups need in memory


def cluster(
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    artefact: Artefact,
    *,
    once: Collection[str] = (),
    cut: int = CUT,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Every record once, with the smallest record key of its cluster: what a night that remembers nothing makes of its edges.

    `edges` are those of `score_pairs`, `exact_key_edges` and `said_edges`. Gives the columns of `groups`.
    """
    edges = with_keys_holding(edges, cut)
    found = components(edges, standardised, artefact, once=once, cut=cut)
    inner = inner_pairs(found, edges, standardised, artefact, threads=threads, memory_limit=memory_limit)
    is_said = pl.col("kind").is_in([SAME, NEVER])
    weights = pl.concat([edges.filter(~is_said).select(inner.columns), inner])
    return groups(found, weights, edges.filter(is_said), once=once, cut=cut)


def groups(
    found: pl.DataFrame,
    weights: pl.DataFrame,
    said: pl.DataFrame,
    before: pl.DataFrame | None = None,
    *,
    once: Collection[str] = (),
    cut: int = CUT,
) -> pl.DataFrame:
    """Every record once: record_key, cluster_key, component_cut, component_digest, sorted by record_key.

    `found` are `components`; `weights` (record_key_l, record_key_r, weight in millibits, facts: how much of it each
    comparison is) those of all scored edges, exact keys and inner pairs, of which the highest of a pair counts; `said`
    (record_key_l, record_key_r, kind) people's word; `once` the sources that hold each person once; `cut` the weight
    (millibits) from which on groups join. `before` (record_key, cluster_key, component_digest) are the groups of an earlier
    night: a component whose digest stood there is cut as it was then.
    """
    # Two records alone need no second look: their edge reaches the cut, and there is no third to disagree.
    several = found.filter(pl.len().over("component") > 2).sort("component", "record_key")
    known = pl.DataFrame(schema={"record_key": pl.String, "cluster_key": pl.String, "component_digest": pl.UInt64})
    if before is not None:
        known = before.select(known.columns).join(several, on=["record_key", "component_digest"], how="semi")
    changed = several.join(known, on="record_key", how="anti", maintain_order="left")
    joined = pl.DataFrame(
        {"record_key": changed["record_key"], "cluster_key": _joined(changed, weights, said, once, cut)},
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


def _joined(
    several: pl.DataFrame, weights: pl.DataFrame, said: pl.DataFrame, once: Collection[str], cut: int
) -> pl.Series:
    """The smallest record key of the group of each row of `several` (sorted by component and record key).

    A pair that nothing weighs has weight 0.
    """
    import numpy as np

    placed = _placed(several)
    pairs = _inside(placed, weights).group_by(PLACE).agg(pl.col("weight").max(), pl.col("facts").drop_nulls().first())
    pairs = pairs.sort("size", "place")
    facts = _fact_columns(pairs["facts"])
    told = np.vstack([pairs["weight"].to_numpy() - facts.sum(axis=0), facts]).T
    left, right, place = pairs["l"].to_numpy(), pairs["r"].to_numpy(), pairs["place"].to_numpy()
    words = _inside(placed, said).select("size", "place", "kind", "l", "r").rows()
    numbers = {source: number for number, source in enumerate(sorted(once))}
    sources = several.select(source_of("record_key").replace_strict(numbers, default=-1, return_dtype=pl.Int64))
    source = sources.to_series().fill_null(-1).to_numpy()
    sizes = placed["size"].to_numpy()
    smallest = np.arange(len(several))
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size).reshape(-1, size)
        first, end = pairs["size"].search_sorted(size, "left"), pairs["size"].search_sorted(size, "right")
        step = max(1, CELLS // size**2)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            inside = slice(*(first + np.searchsorted(place[first:end], [start, start + step])))
            at = place[inside] - start
            matrix = np.zeros((len(part), told.shape[1], size, size), dtype=np.int64)
            matrix[at, :, left[inside], right[inside]] = matrix[at, :, right[inside], left[inside]] = told[inside]
            spoken = [(which - start, *word) for of, which, *word in words if of == size and 0 <= which - start < step]
            same, never = ([word[:1] + word[2:] for word in spoken if word[1] == kind] for kind in (SAME, NEVER))
            kin = agglomerate(matrix[:, 0], cut, matrix[:, 1:], same, _apart(source[part], never))
            smallest[part] = np.take_along_axis(part, kin, axis=1)
    return several["record_key"].gather(smallest)


def _apart(source: NDArray[np.int64], never: Iterable[tuple[int, int, int]]) -> NDArray[np.bool_]:
    """Which records of each component may not be one person: they are of one source that holds each person once (its
    number, below 0 for all others), or `never` (component, record, record) says so.
    """
    apart: NDArray[np.bool_] = (source[:, :, None] == source[:, None, :]) & (source >= 0)[:, :, None]
    for component, one, other in never:
        apart[component, [one, other], [other, one]] = True
    return apart


def _placed(several: pl.DataFrame) -> pl.DataFrame:
    """record_key, the size of its component, which one of that size it is, and which record in it; all count from 0."""
    inside = several.select(
        "record_key", "component", size=pl.len().over("component"), rank=pl.int_range(pl.len()).over("component")
    )
    return inside.with_columns(place=pl.col("component").rle_id().over("size")).drop("component")


def _inside(placed: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs inside components, with PLACE."""
    one = placed.rename({"record_key": "record_key_l", "rank": "l"})
    other = placed.rename({"record_key": "record_key_r", "rank": "r"})
    return pairs.join(one, on="record_key_l").join(other, on=["record_key_r", "size", "place"])


def _fact_columns(facts: pl.Series) -> NDArray[np.int64]:
    """Lists of whole numbers, one for each pair, as one row for each fact; 0 where a pair has none."""
    import numpy as np

    count = facts.list.len().max()
    columns = [facts.list.get(at).fill_null(0).to_numpy() for at in range(count if isinstance(count, int) else 0)]
    return np.array(columns, dtype=np.int64).reshape(len(columns), len(facts))

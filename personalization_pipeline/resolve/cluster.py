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

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from personalization_pipeline.resolve.components import CUT, components, inner_pairs, source_of, with_keys_holding
from personalization_pipeline.resolve.corrections import NEVER, SAME
from personalization_pipeline.resolve.identity_model import Artefact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEAN_PARTS = 3  # how often the mean of a fact counts for each time that its best pair does
NOTHING = -(2**60)  # below every weight


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
    known = pl.DataFrame(schema={"record_key": pl.String, "cluster_key": pl.String, "component_digest": pl.String})
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


def _inside(several: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs inside components, with component, l and r.

    l and r count the records of a component from 0 in the order of their keys.
    """
    rank = several.select("record_key", "component", rank=pl.int_range(pl.len()).over("component"))
    for side in ("l", "r"):
        ends = rank.rename({"record_key": f"record_key_{side}", "component": f"component_{side}", "rank": side})
        pairs = pairs.join(ends, on=f"record_key_{side}")
    return pairs.filter(pl.col("component_l") == pl.col("component_r")).rename({"component_l": "component"})


def _joined(
    several: pl.DataFrame, weights: pl.DataFrame, said: pl.DataFrame, once: Collection[str], cut: int
) -> list[str]:
    """The smallest record key of the group of each row of `several` (sorted by component and record key).

    A pair that nothing weighs has weight 0.
    """
    import numpy as np

    several_kinds = _inside(several, weights).group_by("component", "l", "r")
    pairs = several_kinds.agg(pl.col("weight").max(), pl.col("facts").drop_nulls().first()).sort("component")
    facts = _fact_columns(pairs["facts"])
    words: dict[int, list[tuple[str, int, int]]] = {}
    for component, *word in _inside(several, said).select("component", "kind", "l", "r").iter_rows():
        words.setdefault(component, []).append((word[0], word[1], word[2]))
    keys = several["record_key"].to_list()
    numbers = {source: number for number, source in enumerate(sorted(once))}
    sources = several.select(source_of("record_key").replace_strict(numbers, default=-1, return_dtype=pl.Int64))
    source = sources.to_series().fill_null(-1).to_numpy()
    sizes = several.group_by("component", maintain_order=True).len()
    ends = np.searchsorted(pairs["component"].to_numpy(), sizes["component"].to_numpy(), side="right")
    left, right, rest = pairs["l"].to_numpy(), pairs["r"].to_numpy(), pairs["weight"].to_numpy() - facts.sum(axis=0)
    joined: list[str] = []
    start = 0
    for (component, size), end in zip(sizes.iter_rows(), ends.tolist(), strict=True):
        first, spoken = len(joined), words.get(component, [])
        matrix = np.zeros((1 + len(facts), size, size), dtype=np.int64)
        matrix[:, left[start:end], right[start:end]] = np.vstack([rest[None, start:end], facts[:, start:end]])
        matrix += matrix.transpose(0, 2, 1)
        own = source[first : first + size]
        apart = (own[:, None] == own) & (own >= 0)
        for kind, one, other in spoken:
            apart[one, other] |= kind == NEVER
        same = [(one, other) for kind, one, other in spoken if kind == SAME]
        joined += [keys[first + member] for member in agglomerate(matrix[0], cut, matrix[1:], same, apart | apart.T)]
        start = end
    return joined


def _fact_columns(facts: pl.Series) -> NDArray[np.int64]:
    """Lists of whole numbers, one for each pair, as one row for each fact; 0 where a pair has none."""
    import numpy as np

    count = facts.list.len().max()
    columns = [facts.list.get(at).fill_null(0).to_numpy() for at in range(count if isinstance(count, int) else 0)]
    return np.array(columns, dtype=np.int64).reshape(len(columns), len(facts))


def agglomerate(
    weights: NDArray[np.int64],
    cut: int,
    facts: NDArray[np.int64] | None = None,
    same: Iterable[tuple[int, int]] = (),
    never: NDArray[np.bool_] | None = None,
) -> list[int]:
    """Groups of n records: for each record the smallest record of its group.

    `weights` (n x n, symmetric, diagonal 0, millibits) is averaged over all pairs of two groups, `facts` (k x n x n, the
    same) over those that are not 0, the best of them counting once more. Of several pairs of groups with the same weight
    the one with the smallest records joins first.
    Pairs of `same` are in one group in the end, pairs of `never` (symmetric, n x n) are not, unless `same` demands it:
    groups that are kin by `same` count their weights apart, and answer together for whom they may not join.
    """
    import numpy as np

    count = len(weights)
    between = _Between(weights, np.zeros((0, count, count), np.int64) if facts is None else facts)
    is_left, kin = np.ones(count, dtype=np.bool_), np.arange(count)
    apart = np.zeros((count, count), dtype=np.bool_) if never is None else never.copy()
    for one, other in same:
        both = (kin == kin[one]) | (kin == kin[other])
        kin[both] = kin[both].min()
        apart[both] = apart[both].any(axis=0)
        apart[:, both] = apart[both].T
        apart[np.ix_(both, both)] = False
    np.fill_diagonal(apart, False)
    means = np.where(apart, -np.inf, weights + between.facts.sum(axis=0))
    np.fill_diagonal(means, -np.inf)
    nearest, best = means.argmax(axis=1), means.max(axis=1)
    while best.max() >= cut:
        one = int(best.argmax())
        other = int(means[one].argmax())
        is_left[other] = False
        both = (kin == kin[one]) | (kin == kin[other])
        kin[both] = kin[both].min()
        members = np.flatnonzero(both & is_left)
        barred = apart[one] | apart[other]
        apart[members] = barred
        apart[:, members] = barred[:, None]
        means[one] = between.join(one, other)
        means[one, one] = -np.inf
        means[:, one] = means[one]
        means[members] = np.where(barred | ~is_left, -np.inf, means[members])
        means[:, members] = means[members].T
        means[other] = means[:, other] = -np.inf
        # Only rows that had one of these as their best, or have a better one now, need a new best.
        stale = np.isin(nearest, members) | (nearest == other) | (means[:, one] >= best)
        stale[members] = stale[other] = True
        nearest[stale], best[stale] = means[stale].argmax(axis=1), means[stale].max(axis=1)
    return [int(first) for first in kin]


def weight_between(pairs: Iterable[tuple[int, Sequence[int]]], pair_count: int) -> int:
    """What two groups weigh, in millibits, told pair by pair as `agglomerate` counts it: the weight of each pair of their
    records that is weighed, with what each fact of it weighs. `pair_count` are all pairs between them.
    """
    rest, facts = 0, list[list[int]]()
    for weight, parts in pairs:
        rest += weight - sum(parts)
        facts.append(list(parts))
    longest = max(map(len, facts), default=0)
    told = [[parts[at] for parts in facts if at < len(parts) and parts[at]] for at in range(longest)]
    counted = (MEAN_PARTS * (sum(parts) // len(parts)) + max(parts) for parts in told if parts)
    return rest // pair_count + sum(part // (MEAN_PARTS + 1) for part in counted)


class _Between:
    """What groups weigh, pair by pair: sums over the pairs of their records, and of each fact how many say something."""

    def __init__(self, weights: NDArray[np.int64], facts: NDArray[np.int64]) -> None:
        import numpy as np

        self.weights, self.sizes = weights.copy(), np.ones(len(weights), dtype=np.int64)
        self.facts, self.told = facts.copy(), (facts != 0).astype(np.int64)
        self.best = np.where(facts == 0, NOTHING, facts)

    def join(self, one: int, other: int) -> NDArray[np.float64]:
        """Make one group of two, under the number of the first; gives what it weighs with every group, in millibits."""
        import numpy as np

        for sums in (self.weights[None], self.facts, self.told):
            sums[:, one] += sums[:, other]
            sums[:, :, one] = sums[:, one]
        self.best[:, one] = np.maximum(self.best[:, one], self.best[:, other])
        self.best[:, :, one] = self.best[:, one]
        self.sizes[one] += self.sizes[other]
        mean = self.facts[:, one] // np.maximum(self.told[:, one], 1)
        best = np.where(self.told[:, one] > 0, self.best[:, one], 0)
        told: NDArray[np.float64] = self.weights[one] / (self.sizes[one] * self.sizes)
        told += ((MEAN_PARTS * mean + best) // (MEAN_PARTS + 1)).sum(axis=0)
        return told

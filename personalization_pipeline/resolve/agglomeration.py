"""Joining the two groups with the highest weight between them until none reaches a cut, in many components at once.

Belongs here: what two groups weigh, and which join. Does not belong here: where the weights come from and what is a
component (cluster, components).

All components of one call have as many records, so that a step is one sweep of numpy over all of them: there are tens of
thousands of three and four records, and hardly any of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEAN_PARTS = 3  # how often the mean of a fact counts for each time that its best pair does
NOTHING = -(2**60)  # below every weight


def agglomerate(
    weights: NDArray[np.int64],
    cut: int,
    facts: NDArray[np.int64] | None = None,
    same: Iterable[tuple[int, int, int]] = (),
    never: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Groups of n records in each of c components: for each record the smallest record of its group (c x n).

    `weights` (c x n x n, symmetric, diagonal 0, millibits) is averaged over all pairs of two groups, `facts` (c x k x n x
    n, the same) over those that are not 0, the best of them counting once more. Of several pairs of groups with the same
    weight the one with the smallest records joins first.
    Pairs of `same` (component, record, record) are in one group in the end, pairs of `never` (symmetric, c x n x n) are
    not, unless `same` demands it: groups that are kin by `same` count their weights apart, and answer together for whom
    they may not join.
    """
    import numpy as np

    components, count, _ = weights.shape
    between = _Between(weights, np.zeros((components, 0, count, count), np.int64) if facts is None else facts)
    is_left, kin = np.ones((components, count), dtype=np.bool_), np.tile(np.arange(count), (components, 1))
    apart = np.zeros(weights.shape, dtype=np.bool_) if never is None else never.copy()
    for component, one, other in same:
        _tie(kin[component], apart[component], one, other)
    diagonal = np.arange(count)
    apart[:, diagonal, diagonal] = False
    means = np.where(apart, -np.inf, weights + between.facts.sum(axis=1))
    means[:, diagonal, diagonal] = -np.inf
    nearest, best = means.argmax(axis=2), means.max(axis=2)
    while len(at := np.flatnonzero(best.max(axis=1) >= cut)):
        ones = best[at].argmax(axis=1)
        others = means[at, ones].argmax(axis=1)
        is_left[at, others] = False
        both = (kin[at] == kin[at, ones][:, None]) | (kin[at] == kin[at, others][:, None])
        kin[at] = np.where(both, np.where(both, kin[at], count).min(axis=1, keepdims=True), kin[at])
        members = both & is_left[at]
        barred = apart[at, ones] | apart[at, others]
        place, member = np.nonzero(members)
        apart[at[place], member] = barred[place]
        apart[at[place], :, member] = barred[place]
        means[at, ones] = between.join(at, ones, others)
        means[at, ones, ones] = -np.inf
        means[at, :, ones] = means[at, ones]
        is_out = barred | ~is_left[at]
        means[at[place], member] = np.where(is_out[place], -np.inf, means[at[place], member])
        means[at[place], :, member] = means[at[place], member]
        means[at, others] = means[at, :, others] = -np.inf
        # Only rows that had one of these as their best, or have a better one now, need a new best.
        stale = np.take_along_axis(members, nearest[at], axis=1) | (nearest[at] == others[:, None])
        stale |= members | (means[at, :, ones] >= best[at])
        stale[np.arange(len(at)), others] = True
        place, row = np.nonzero(stale)
        rows = means[at[place], row]
        nearest[at[place], row], best[at[place], row] = rows.argmax(axis=1), rows.max(axis=1)
    return kin


def _tie(kin: NDArray[np.int64], apart: NDArray[np.bool_], one: int, other: int) -> None:
    """Make two records of one component kin, and let both and their kin answer together."""
    import numpy as np

    both = (kin == kin[one]) | (kin == kin[other])
    kin[both] = kin[both].min()
    apart[both] = apart[both].any(axis=0)
    apart[:, both] = apart[both].T
    apart[np.ix_(both, both)] = False


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
    """What groups weigh, pair by pair: sums over the pairs of their records, and of each fact how many say something.

    The first axis of every array is the component.
    """

    def __init__(self, weights: NDArray[np.int64], facts: NDArray[np.int64]) -> None:
        import numpy as np

        self.weights, self.sizes = weights[:, None].copy(), np.ones(weights.shape[:2], dtype=np.int64)
        self.facts, self.told = facts.copy(), (facts != 0).astype(np.int64)
        self.best = np.where(facts == 0, NOTHING, facts)

    def join(self, at: NDArray[np.int64], ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Make one group of two in each of the components `at`, under the number of the first; gives what it weighs with
        every group of its component, in millibits.
        """
        import numpy as np

        for sums in (self.weights, self.facts, self.told):
            sums[at, :, ones] += sums[at, :, others]
            sums[at, :, :, ones] = sums[at, :, ones]
        self.best[at, :, ones] = np.maximum(self.best[at, :, ones], self.best[at, :, others])
        self.best[at, :, :, ones] = self.best[at, :, ones]
        self.sizes[at, ones] += self.sizes[at, others]
        told = self.told[at, :, ones]
        mean = self.facts[at, :, ones] // np.maximum(told, 1)
        best = np.where(told > 0, self.best[at, :, ones], 0)
        rest: NDArray[np.float64] = self.weights[at, 0, ones] / (self.sizes[at, ones][:, None] * self.sizes[at])
        rest += ((MEAN_PARTS * mean + best) // (MEAN_PARTS + 1)).sum(axis=1)
        return rest

"""Groups that join inside components: which, in which order, and that many at once are what each alone is."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from personalization_pipeline.resolve.agglomeration import agglomerate, weight_between

Matrix = NDArray[np.int64]


def joined(
    weights: Matrix,
    cut: int,
    facts: Matrix | None = None,
    same: Iterable[tuple[int, int]] = (),
    never: NDArray[np.bool_] | None = None,
) -> list[int]:
    """The groups of one component alone."""
    said = [(0, one, other) for one, other in same]
    told, barred = (None if given is None else given[None] for given in (facts, never))
    return [int(first) for first in agglomerate(weights[None], cut, told, said, barred)[0]]


def weights(count: int, *pairs: tuple[int, int, int], other: int = 0) -> NDArray[np.int64]:
    matrix = np.full((count, count), other, dtype=np.int64)
    np.fill_diagonal(matrix, 0)
    for one, two, weight in pairs:
        matrix[one, two] = matrix[two, one] = weight
    return matrix


def test_two_records_that_a_third_ties_together_stay_apart_when_they_are_two_people() -> None:
    assert joined(weights(3, (0, 1, 9_000), (1, 2, 8_000), (0, 2, -20_000)), 0) == [0, 0, 2]


def test_weak_evidence_joins_when_all_of_it_agrees() -> None:
    assert joined(weights(3, (0, 1, 2_000), (1, 2, 2_000), (0, 2, 2_000)), 1_500) == [0, 0, 0]


def test_a_mean_that_just_reaches_the_cut_joins() -> None:
    matrix = weights(3, (0, 1, 9_000), (0, 2, 3_000), (1, 2, 1_000))
    assert joined(matrix, 2_000) == [0, 0, 0]
    assert joined(matrix, 2_001) == [0, 0, 2]


def test_a_tie_goes_to_the_smallest_records() -> None:
    # 1 is as close to 0 as to 2, and joins only one of them.
    assert joined(weights(3, (0, 1, 5_000), (1, 2, 5_000), (0, 2, -9_000)), 0) == [0, 0, 2]
    # All are as close; the first two join, and then nothing is left that reaches the cut.
    assert joined(weights(4, (0, 1, 5), (2, 3, 5), other=-5), 0) == [0, 0, 2, 2]


def facts(count: int, *told: tuple[int, int, int, int]) -> NDArray[np.int64]:
    """Of each fact what pairs of records say about it: rows (fact, one, other, millibits)."""
    cube = np.zeros((1 + max(fact for fact, *_ in told), count, count), dtype=np.int64)
    for fact, one, other, weight in told:
        cube[fact, one, other] = cube[fact, other, one] = weight
    return cube


def test_a_record_that_says_nothing_about_a_fact_does_not_outvote_one_that_does() -> None:
    # 0 and 1 are a person with a birth date and her thin copy; 2 has the same name and another birth date.
    name = [(0, 0, 1, 9_000), (0, 0, 2, 6_000), (0, 1, 2, 6_000)]
    assert joined(weights(3, other=-1_000), 0, facts(3, *name)) == [0, 0, 0]
    assert joined(weights(3, other=-1_000), 0, facts(3, *name, (1, 0, 2, -8_000))) == [0, 0, 2]


def test_the_best_pair_of_a_fact_counts_a_quarter_and_the_mean_the_rest() -> None:
    # Once 0 and 1 are one group, it weighs (3 * mean(-4,000, 8,000) + 8,000) / 4 = 3,500 with 2.
    told = facts(3, (0, 0, 1, 20_000), (0, 0, 2, -4_000), (0, 1, 2, 8_000))
    assert joined(weights(3), 3_500, told) == [0, 0, 0]
    assert joined(weights(3), 3_501, told) == [0, 0, 2]


def test_what_two_groups_weigh_can_be_told_pair_by_pair() -> None:
    pairs = [(-1_000 - 4_000 + 3_000, [-4_000, 3_000]), (-1_000 + 8_000, [8_000, 0])]
    assert weight_between(pairs, 2) == -1_000 + (3 * 2_000 + 8_000) // 4 + 3_000
    assert weight_between([(10_000, [])], 4) == 2_500
    assert weight_between([], 1) == 0


def test_two_facts_of_two_pairs_add_up_to_what_no_pair_has_alone() -> None:
    told = facts(3, (0, 0, 1, 9_000), (1, 0, 2, 3_000), (2, 1, 2, 3_000))
    assert joined(weights(3, other=-4_000), 1_500, told) == [0, 0, 0]
    assert joined(weights(3, other=-4_000), 2_001, told) == [0, 0, 2]


@given(st.integers(2, 9), st.integers(1, 3), st.randoms(use_true_random=False))
def test_groups_never_lie_further_apart_than_the_cut_by_a_plain_count(count: int, kinds: int, chance: object) -> None:
    """Stops only when no two groups weigh the cut, counted anew from the definition."""
    generator = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    upper = np.triu(
        generator.integers(-9_000, 9_000, (kinds, count, count)) * generator.integers(0, 2, (kinds, count, count)), 1
    )
    told = (upper + upper.transpose(0, 2, 1)).astype(np.int64)
    found = np.array(joined(weights(count, other=-1_000), 500, told))
    for one, other in combinations(sorted(set(found.tolist())), 2):
        between = told[:, found == one][:, :, found == other].reshape(kinds, -1)
        said = [row[row != 0] for row in between]
        assert -1_000 + sum((3 * (row.sum() // len(row)) + row.max()) // 4 for row in said if len(row)) < 500


def recounted(weights: Matrix, cut: int, facts: Matrix) -> list[int]:
    """The same groups from the definition: all that any two weigh counted anew for every join."""
    groups = {record: [record] for record in range(len(weights))}

    def between(one: int, other: int) -> Fraction:
        ends = [(left, right) for left in groups[one] for right in groups[other]]
        told = [facts[:, left, right].tolist() for left, right in ends]
        return Fraction(sum(int(weights[end]) for end in ends), len(ends)) + weight_between(
            [(sum(parts), parts) for parts in told], len(ends)
        )

    while len(groups) > 1:
        heaviest, one, other = max((between(*ends), -ends[0], -ends[1]) for ends in combinations(sorted(groups), 2))
        if heaviest < cut:
            break
        groups[-one] += groups.pop(-other)
    return [next(first for first, records in groups.items() if record in records) for record in range(len(weights))]


@given(st.integers(1, 4), st.integers(2, 6), st.integers(1, 3), st.sampled_from([3, 9_000]), st.integers(0, 2**32 - 1))
def test_many_components_at_once_are_each_what_the_definition_says(
    components: int, count: int, kinds: int, most: int, seed: int
) -> None:
    """Few different weights, so that there are ties, or many."""
    generator = np.random.default_rng(seed)
    shape = (components, kinds, count, count)
    upper = np.triu(generator.integers(-most, most + 1, shape) * generator.integers(0, 2, shape), 1)
    told = upper + upper.transpose(0, 1, 3, 2)
    rest = np.triu(generator.integers(-most, most + 1, (components, count, count)), 1)
    rest = rest + rest.transpose(0, 2, 1)
    found = agglomerate(rest, 1, told)
    assert found.tolist() == [recounted(*both) for both in zip(rest, [1] * components, told, strict=True)]


@given(st.integers(2, 5), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_components_at_once_are_each_what_it_is_alone_whatever_is_said(components: int, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    upper = np.triu(generator.integers(-9_000, 9_000, (components, count, count)), 1)
    matrix, never = upper + upper.transpose(0, 2, 1), np.abs(upper) % 7 == 1
    never |= never.transpose(0, 2, 1)
    said = [
        (int(at), int(one), int(other)) for at, one, other in generator.integers(0, [components, count, count], (4, 3))
    ]
    found = agglomerate(matrix, 500, same=said, never=never)
    for at in range(components):
        same = [(one, other) for component, one, other in said if component == at]
        assert found[at].tolist() == joined(matrix[at], 500, same=same, never=never[at])


@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_groups_are_those_of_an_independent_average_linkage(count: int, chance: object) -> None:
    generator = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    # So many digits that no two means are alike: for ties the other linkage has a rule of its own.
    upper = np.triu(generator.integers(-25_000_000_000, 25_000_000_000, (count, count)), 1)
    matrix = (upper + upper.T).astype(np.int64)
    distances = squareform(2.5e10 - matrix - np.diag(np.diag(2.5e10 - matrix)), checks=False)
    expected = fcluster(linkage(distances, "average"), 25_000_000_000 - 1_500_000_000, "distance")
    found = joined(matrix, 1_500_000_000)
    for one, two in combinations(range(count), 2):
        assert (found[one] == found[two]) == (expected[one] == expected[two])


def test_a_component_of_a_thousand_records_is_done_in_a_moment() -> None:
    generator = np.random.default_rng(1)
    upper = np.triu(generator.integers(-25_000, 25_000, (1_000, 1_000)), 1)
    found = joined((upper + upper.T).astype(np.int64), 1_500)
    assert len(found) == 1_000

"""Chance: a function of seed, stream and number; and the distributions are what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.demo.chance import Draws, Luck

MANY = np.arange(1, 40_001)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_thing_has_the_same_chance_whoever_is_drawn_with_it(seed: int, number: int) -> None:
    among = Draws(seed, np.array([number - 1, number, number + 1])).bits("height")
    assert among[1] == Draws(seed, np.array([number])).bits("height")[0]


def test_streams_and_seeds_are_independent() -> None:
    one, other = Draws(7, MANY), Draws(8, MANY)
    for first, second in ((one.uniform("a"), one.uniform("b")), (one.uniform("a"), other.uniform("a"))):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(one.uniform("a")[:-1], one.uniform("a")[1:])[0, 1]) < 0.02


def test_distributions_have_their_means() -> None:
    draws = Draws(7, MANY)
    assert draws.uniform("u").mean() == pytest.approx(0.5, abs=0.01)
    assert draws.happens("h", 0.3).mean() == pytest.approx(0.3, abs=0.01)
    assert draws.exponential("e", 5.0).mean() == pytest.approx(5, rel=0.03)
    assert draws.normal("n").std() == pytest.approx(1, abs=0.02)
    assert draws.beta_one("b", 4.0).mean() == pytest.approx(0.2, abs=0.01)
    counts = draws.poisson("p", np.full(len(MANY), 3.5), 50)
    assert counts.mean() == pytest.approx(3.5, rel=0.02)
    assert counts.var() == pytest.approx(3.5, rel=0.05)


def test_a_poisson_count_is_never_more_than_the_most() -> None:
    assert Draws(7, MANY).poisson("p", np.full(len(MANY), 20.0), 10).max() == 10


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 5), (-6, 4)])
def test_whole_numbers_reach_both_ends_and_no_further(low: int, high: int) -> None:
    assert set(Draws(7, MANY).between("w", low, high).tolist()) == set(range(low, high + 1))


def test_weights_need_not_add_up_to_one() -> None:
    drawn = Draws(7, MANY).weighted("w", (("a", 3.0), ("b", 1.0)))
    assert (drawn == "a").mean() == pytest.approx(0.75, abs=0.01)


def test_common_items_come_first_and_the_last_one_is_reached() -> None:
    places = Draws(7, MANY).common("names", 100)
    counts = np.bincount(places, minlength=100)
    assert counts[0] > 2 * counts[50] > 0 < counts[99]


@given(st.integers(0, 2**64 - 1))
def test_luck_stays_within_its_bounds(bits: int) -> None:
    luck = Luck(bits)
    assert all(2 <= luck.between(2, 9) <= 9 for _ in range(30))

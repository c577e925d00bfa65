"""The verdict on a check is what anybody would say who compares its number with its bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.checks import Check, read_check
from personalization_pipeline.foundation.judge import Verdict, judge

NUMBERS = st.floats(allow_nan=False) | st.integers(-5, 5).map(float)
BOUNDS = st.decimals(-5, 5, places=1)
LINES = st.one_of(
    st.builds("count(*) {} {}".format, st.sampled_from(["=", "<", "<=", ">", ">="]), BOUNDS),
    st.builds(lambda one, other: f"count(*) BETWEEN {min(one, other)} AND {max(one, other)}", BOUNDS, BOUNDS),
)


def holds(check: Check, value: float) -> bool:
    """A check by plain comparison."""
    low = -math.inf if check.lowest is None else float(check.lowest)
    high = math.inf if check.highest is None else float(check.highest)
    if check.strict:
        return (check.lowest is None or low < value) and (check.highest is None or value < high)
    return low <= value <= high


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LINES, NUMBERS), min_size=1, max_size=6))
def test_the_suite_agrees_with_plain_comparison(given_checks: list[tuple[str, float]]) -> None:
    checks = [read_check(line, "visits.sql") for line, _ in given_checks]
    values = [value for _, value in given_checks]
    verdicts = judge({f"m{i}": value for i, value in enumerate(values)}, checks)
    assert [verdict.passed for verdict in verdicts] == [holds(*pair) for pair in zip(checks, values, strict=True)]


def test_a_verdict_carries_the_check_in_its_own_words() -> None:
    checks = [read_check("count(*) = 3", "x"), read_check("warn: max(price) < 9", "x")]
    assert judge({"m0": 4.0, "m1": 9.0}, checks) == [
        Verdict("count(*) = 3", 4.0, False, "error"),
        Verdict("max(price) < 9", 9.0, False, "warn"),
    ]


@pytest.mark.parametrize("line", ["count(*) < 3", "count(*) > 3"])
def test_a_strict_bound_is_not_met_by_itself(line: str) -> None:
    assert not judge({"m0": 3.0}, [read_check(line, "x")])[0].passed


def test_a_bound_is_met_by_itself_and_by_nothing_past_it() -> None:
    within = read_check("count(*) BETWEEN 1 AND 3", "x")
    values = [math.nextafter(1, 0), 1.0, 3.0, math.nextafter(3, 4)]
    assert [judge({"m0": value}, [within])[0].passed for value in values] == [False, True, True, False]


@pytest.mark.parametrize("line", ["avg(price) >= 0", "avg(price) <= 1", "avg(price) BETWEEN 0 AND 1", "avg(price) = 0"])
def test_what_is_not_a_number_keeps_no_promise(line: str) -> None:
    assert not judge({"m0": math.nan}, [read_check(line, "x")])[0].passed


def test_the_same_check_twice_is_judged_twice() -> None:
    check = read_check("count(*) = 3", "x")
    assert [verdict.passed for verdict in judge({"m0": 3.0, "m1": 2.0}, [check, check])] == [True, False]


def test_nothing_to_judge_gives_no_verdict() -> None:
    assert judge({}, []) == []

"""The tables of phase analyze, one at a time, over rows that stand in the test; and that a snapshot sees no future."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from personalization_pipeline.analyze.churn import FEATURES
from personalization_pipeline.analyze.steps import _snapshots
from personalization_pipeline_tests.conftest import HandMade

AS_OF = "2026-07-01 00:00:00"  # 02:00 in Berlin, where the starter project lives
LINE = "line_key, order_key, person_id, amount, discount_amount, line_kind, occurred_at, occurred_on"
Line = tuple[object, ...]


def sale(person: str, day: str, amount: str = "10.00", kind: str = "sale") -> Line:
    """A line of an order of its own, at noon."""
    return (f"{person}/{day}/{kind}", f"{person}/{day}", person, amount, "0", kind, f"{day} 12:00:00", day)


def allow(by_hand: HandMade, *people: str) -> None:
    by_hand.put("people", "person_id, kind", *[(person, "known") for person in people])
    by_hand.put("reach", "person_id, is_profiling_allowed", *[(person, True) for person in people])


def rfm(by_hand: HandMade, *buyers: tuple[object, ...]) -> dict[str, tuple[Any, ...]]:
    """`buyers`: person, days since the last order, orders, money -> person: recency, frequency, money, group."""
    columns = "person_id, days_since_last_order, order_count, order_value_amount, is_profiling_allowed"
    by_hand.put("features", columns, *[buyer if len(buyer) == 5 else (*buyer, True) for buyer in buyers])
    return {row[0]: row[1:] for row in by_hand.make("rfm")}


def test_ten_different_buyers_fill_each_fifth_with_two(by_hand: HandMade) -> None:
    found = rfm(by_hand, *[(f"p{k:02d}", 100 - k, k, k * 7) for k in range(1, 11)])
    assert [scores[:3] for scores in found.values()] == [(k, k, k) for k in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)]


def test_equal_buyers_get_equal_fifths_the_best_that_one_of_them_has(by_hand: HandMade) -> None:
    found = rfm(by_hand, ("a", 9, 1, 5), ("b", 9, 1, 5), ("c", 9, 1, 5), ("d", 9, 1, 5), ("e", 2, 8, 90))
    assert {found[person] for person in "abcd"} == {(4, 4, 4, "champions")}
    assert found["e"] == (5, 5, 5, "champions")
    assert set(rfm(by_hand, ("b", 3, 1, 5), ("a", 3, 1, 5)).values()) == {(5, 5, 5, "champions")}


def test_nobody_who_bought_nothing_or_may_not_be_profiled_is_scored_or_moves_the_others(by_hand: HandMade) -> None:
    buyers = [(f"p{k}", 10 * k, k, k) for k in range(1, 6)]
    others = [("x", 1, 99, 999, False), ("y", 1, 99, 999, None), ("z", None, 0, 0, True)]
    assert rfm(by_hand, *buyers, *others) == rfm(by_hand, *buyers)


def test_the_named_groups_follow_the_written_map(by_hand: HandMade) -> None:
    """Five buyers whose recency is one to five, and every order of frequencies among them."""
    days = {1: 50, 2: 40, 3: 30, 4: 20, 5: 10}
    groups: dict[str, str] = {}
    for shift in range(5):
        buyers = [(f"r{r}f{(r + shift) % 5 + 1}", days[r], (r + shift) % 5 + 1, 1) for r in days]
        groups |= {person: row[3] for person, row in rfm(by_hand, *buyers).items()}
    table = {r: [groups[f"r{r}f{f}"] for f in range(1, 6)] for r in range(1, 6)}
    assert table == {
        5: ["new", "promising", "loyal", "champions", "champions"],
        4: ["new", "promising", "loyal", "champions", "champions"],
        3: ["promising", "promising", "loyal", "loyal", "loyal"],
        2: ["at_risk", "at_risk", "at_risk", "cannot_lose", "cannot_lose"],
        1: ["hibernating", "hibernating", "hibernating", "cannot_lose", "cannot_lose"],
    }


def test_purchases_are_summed_up_as_the_value_model_counts_them(by_hand: HandMade) -> None:
    """x repeat days, t_x and t in weeks since the first day, mean money of repeat days: Fader, Hardie & Lee 2005."""
    by_hand.tonight(AS_OF)
    allow(by_hand, "once", "often")
    by_hand.put(
        "order_lines",
        LINE,
        sale("once", "2026-06-17"),
        sale("often", "2026-04-01", "100.00"),  # the first day is no repeat
        sale("often", "2026-04-15", "10.00"),
        (*sale("often", "2026-04-15", "5.00")[:6], "2026-04-15 18:00:00", "2026-04-15"),  # one day, one purchase
        sale("often", "2026-05-06", "25.00"),
        sale("often", "2026-05-07", "-25.00", "refund"),  # the model is about buying
        sale("often", "2026-07-02", "999.00"),  # after the night
        sale("unasked", "2026-05-01"),
        (*sale("nobody", "2026-05-01")[:2], None, *sale("nobody", "2026-05-01")[3:]),
    )
    assert by_hand.make("purchase_summaries", "person_id, x, t_x, t, mean_amount") == [
        ("often", 2, 5.0, 13.0, 20.0),
        ("once", 0, 0.0, 2.0, None),
    ]


def test_a_cohort_is_the_month_of_the_first_order_and_is_followed_over_the_year(by_hand: HandMade) -> None:
    by_hand.put(
        "order_lines",
        LINE,
        sale("a", "2025-11-30"),
        sale("a", "2025-11-01"),
        sale("a", "2026-01-31"),
        sale("b", "2025-11-15"),
        sale("b", "2025-12-24", "-10.00", "refund"),
        sale("c", "2026-01-01"),
        (*sale("d", "2025-11-15")[:2], None, *sale("d", "2025-11-15")[3:]),
    )
    assert by_hand.make("cohorts", "cohort_on, age_months, cohort_count, active_count") == [
        (date(2025, 11, 1), 0, 2, 2),
        (date(2025, 11, 1), 2, 2, 1),
        (date(2026, 1, 1), 0, 1, 1),
    ]


def test_a_profile_is_features_segments_and_scores_and_nobody_is_lost_or_doubled(by_hand: HandMade) -> None:
    by_hand.put("features", "person_id, order_count", ("p1", 3), ("p2", 0))
    by_hand.put("segment_members", "segment, person_id", ("vip", "p1"), ("away", "p1"))
    by_hand.put("scores", "person_id, rfm_segment", ("p1", "loyal"))
    assert by_hand.make("profiles", "person_id, order_count, segments, rfm_segment") == [
        ("p1", 3, ["away", "vip"], "loyal"),
        ("p2", 0, [], None),
    ]


def test_a_model_that_is_not_ready_scores_nobody_and_rfm_stays(by_hand: HandMade) -> None:
    by_hand.put("purchase_summaries", "person_id, x, t_x, t, mean_amount", ("p1", 2, 5.0, 13.0, 20.0))
    by_hand.put("features", "person_id, order_count, days_since_last_order", ("p1", 3, 9))
    by_hand.put("rfm", "person_id, recency_score, rfm_segment", ("p1", 4, "loyal"))
    scores = "alive_probability, expected_orders, expected_value_amount, churn_probability, churn_reason"
    assert by_hand.make("scores", f"person_id, recency_score, rfm_segment, {scores}") == [
        ("p1", 4, "loyal", *[None] * 5)
    ]


def snapshots(by_hand: HandMade, *lines: Line) -> dict[tuple[date, str], dict[str, object]]:
    """What the churn model would learn from, by day and person."""
    by_hand.tonight(AS_OF)
    allow(by_hand, "p1", "p2")
    by_hand.put("order_lines", LINE, *lines)
    return {(row["snapshot_on"], row["person_id"]): row for row in _snapshots(by_hand.building, 90).to_dicts()}


HISTORY = [sale("p1", day) for day in ("2025-09-01", "2025-11-20", "2025-12-31")] + [sale("p2", "2025-12-30")]
T0 = date(2026, 1, 1)  # one of five snapshots: 30 days apart, the newest 90 days before yesterday


def test_a_snapshot_sees_nothing_that_came_after_its_day(by_hand: HandMade) -> None:
    known = snapshots(by_hand, *HISTORY)[T0, "p1"]
    later = [sale("p1", "2026-01-02", "99.00"), sale("p1", "2026-04-01"), sale("p1", "2026-01-03", "-10.00", "refund")]
    with_later = snapshots(by_hand, *HISTORY, *later)[T0, "p1"]
    assert {name: with_later[name] for name in FEATURES} == {name: known[name] for name in FEATURES}
    assert known["is_churned"]
    assert not with_later["is_churned"]


@pytest.mark.parametrize(
    ("moment", "is_known"),
    [("2026-01-01 22:59:59", True), ("2026-01-01 23:00:00", False)],  # midnight in Berlin is 23:00 UTC
)
def test_an_order_around_midnight_is_either_known_or_told_never_both(
    by_hand: HandMade, moment: str, is_known: bool
) -> None:
    before = snapshots(by_hand, *HISTORY)[T0, "p2"]
    night = (*sale("p2", "2026-01-01")[:6], moment, "2026-01-01" if is_known else "2026-01-02")
    after = snapshots(by_hand, *HISTORY, night)[T0, "p2"]
    assert (after["order_count"] != before["order_count"]) == is_known
    assert after["is_churned"] == is_known


@pytest.mark.parametrize(("day", "is_churned"), [("2026-04-01", False), ("2026-04-02", True)])
def test_whoever_comes_back_within_the_horizon_has_not_churned(by_hand: HandMade, day: str, is_churned: bool) -> None:
    assert snapshots(by_hand, *HISTORY, sale("p2", day))[T0, "p2"]["is_churned"] == is_churned


def test_only_buyers_of_the_last_year_who_may_be_profiled_are_learned_from(by_hand: HandMade) -> None:
    long_ago = [sale("p2", "2024-12-31"), sale("p1", "2025-01-01"), sale("p3", "2025-12-31")]
    assert [person for day, person in snapshots(by_hand, *long_ago) if day == T0] == ["p1"]


def test_after_the_snapshots_the_night_is_tonight_again(by_hand: HandMade) -> None:
    by_hand.tonight(AS_OF)
    before = by_hand.connection.execute("SELECT * FROM tonight").fetchall()
    assert len({day for day, _ in snapshots(by_hand, *HISTORY)}) == 5
    assert by_hand.connection.execute("SELECT * FROM tonight").fetchall() == before

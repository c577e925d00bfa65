"""The tables of phase segment, one at a time, over rows that stand in the test. The starter project lives in Berlin."""

from __future__ import annotations

from pathlib import Path

import pytest

from personalization_pipeline.foundation.errors import ProjectError, RuleError
from personalization_pipeline_tests.conftest import HandMade

Line = tuple[object, ...]


def line(order: int, moment: str, amount: str = "10.00", discount: str | None = None, kind: str | None = None) -> Line:
    return (f"l{order}/{moment}/{kind}", f"o{order}", amount, discount, kind, moment)


def features(by_hand: HandMade, as_of: str, columns: str, *lines: Line) -> tuple[object, ...]:
    """What `order_features` says of p1, who placed every order, through `orders` and `order_lines`."""
    by_hand.tonight(as_of)
    by_hand.put("people", "person_id, kind", ("p1", "known"))
    by_hand.put("records", "record_key, person_id", ("shop:1", "p1"))
    by_hand.put(
        "facts.orders", "order_key, record_key", *[(key, "shop:1") for key in sorted({str(row[1]) for row in lines})]
    )
    by_hand.put("facts.order_lines", "line_key, order_key, amount, discount_amount, line_kind, occurred_at", *lines)
    by_hand.make("orders")
    by_hand.make("order_lines")
    return by_hand.make("order_features", columns)[0]


@pytest.mark.parametrize(
    ("as_of", "moment", "days"),
    [
        ("2026-07-10 00:00:00", "2026-07-09 21:59:59", 1),  # 23:59 in Berlin, the night begins at 02:00 of the 10th
        ("2026-07-10 00:00:00", "2026-07-09 22:00:00", 0),  # midnight in Berlin
        ("2026-07-09 21:59:59", "2026-07-09 21:59:59", 0),  # a second before that midnight it is still the 9th
        ("2026-03-30 00:00:00", "2026-03-28 22:59:59", 2),  # 23:59 of the 28th, winter time
        ("2026-03-30 00:00:00", "2026-03-28 23:00:00", 1),  # midnight of the 29th, the day of 23 hours
        ("2026-03-30 00:00:00", "2026-03-29 22:00:00", 0),  # midnight of the 30th, summer time
        ("2025-10-27 01:00:00", "2025-10-25 22:00:00", 1),  # midnight of the 26th, the day of 25 hours
        ("2025-10-27 01:00:00", "2025-10-26 22:59:59", 1),  # still the 26th
        ("2025-10-27 01:00:00", "2025-10-26 23:00:00", 0),
    ],
)
def test_days_since_an_order_count_midnights_where_the_shop_is(
    by_hand: HandMade, as_of: str, moment: str, days: int
) -> None:
    found = features(by_hand, as_of, "days_since_last_order, days_since_first_order", line(1, moment))
    assert found == (days, days)


def test_two_orders_at_two_sides_of_a_local_midnight_are_two_days(by_hand: HandMade) -> None:
    orders = line(1, "2026-07-08 21:59:59"), line(2, "2026-07-08 22:00:00"), line(3, "2026-07-09 21:59:59")
    found = features(by_hand, "2026-07-20 00:00:00", "order_count, order_day_count, mean_days_between_orders", *orders)
    assert [str(value) for value in found] == ["3", "2", "1.00"]


def test_the_last_ninety_days_are_ninety_local_days_with_today(by_hand: HandMade) -> None:
    orders = [line(1, "2026-01-15 12:00:00"), line(2, "2026-01-16 12:00:00"), line(3, "2026-04-15 00:00:00")]
    assert features(by_hand, "2026-04-15 00:00:00", "order_count, orders_last_90_days", *orders) == (3, 2)


def test_money_that_went_back_is_taken_off_and_the_order_stays_counted(by_hand: HandMade) -> None:
    orders = [
        line(1, "2026-01-10 12:00:00", "30.00", "10.00"),
        line(1, "2026-01-20 12:00:00", "-12.50", "-4.00", "refund"),
        line(2, "2026-02-10 12:00:00", "20.01", None, "sale"),
        line(2, "2026-02-11 09:00:00", "-20.01", None, "cancellation"),
    ]
    columns = "order_count, order_value_amount, mean_order_value_amount, discount_share, days_since_last_order"
    found = features(by_hand, "2026-02-20 01:00:00", columns, *orders)
    # 17.50 of two orders; 10.00 off an undiscounted 60.01; neither refund nor cancellation is a day with an order
    assert [str(value) for value in found] == ["2", "17.50", "8.75", "0.1666", "10"]
    early = features(by_hand, "2026-01-15 01:00:00", columns, *orders)
    assert [str(value) for value in early] == ["1", "30.00", "30.00", "0.2500", "5"]


def test_an_order_is_promoted_once_however_many_of_its_lines_are(by_hand: HandMade) -> None:
    orders = [
        line(1, "2026-01-10 12:00:00", "30.00", "10.00"),
        line(1, "2026-01-10 12:00:00", "9.00", "1.00"),
        line(2, "2026-01-12 12:00:00", "9.00", "0.00"),
        line(3, "2026-01-14 12:00:00", "9.00", None),
    ]
    (share,) = features(by_hand, "2026-02-20 01:00:00", "promoted_order_share", *orders)
    assert str(share) == "0.3333"


def test_what_lies_after_the_night_is_not_seen(by_hand: HandMade) -> None:
    known = [line(1, "2026-01-10 12:00:00"), line(2, "2026-01-12 12:00:00")]
    ahead = [line(3, "2026-02-01 01:00:01", "99.00"), line(1, "2026-02-02 12:00:00", "-10.00", None, "refund")]
    night = "2026-02-01 01:00:00"
    assert features(by_hand, night, "*", *known, *ahead) == features(by_hand, night, "*", *known)
    assert features(by_hand, "2026-02-01 01:00:01", "*", *known, *ahead) != features(by_hand, night, "*", *known)


def test_whoever_bought_nothing_has_zeros_where_there_is_a_count_and_blanks_where_there_is_none(
    by_hand: HandMade,
) -> None:
    columns = "order_count, order_value_amount, mean_order_value_amount, discount_share, days_since_last_order"
    found = features(by_hand, "2026-02-20 01:00:00", columns)
    assert [str(value) for value in found] == ["0", "0.00", "None", "None", "None"]


def test_an_order_of_nobody_known_is_an_order_without_a_person(by_hand: HandMade) -> None:
    by_hand.put("facts.orders", "order_key, record_key", ("o1", "shop:9"), ("o2", None))
    assert by_hand.make("orders", "order_key, person_id") == [("o1", None), ("o2", None)]


@pytest.mark.parametrize(
    ("born", "as_of", "age"),
    [
        ("1990-07-10", "2026-07-09 21:59:59", 35),
        ("1990-07-10", "2026-07-09 22:00:00", 36),  # her birthday has begun in Berlin
        ("1992-02-29", "2026-02-28 12:00:00", 33),
        ("1992-02-29", "2026-03-01 12:00:00", 34),
        ("2026-07-11", "2026-07-09 22:00:00", None),
        (None, "2026-07-09 22:00:00", None),
    ],
)
def test_age_is_full_years_on_the_local_day(by_hand: HandMade, born: str | None, as_of: str, age: int | None) -> None:
    by_hand.tonight(as_of)
    by_hand.put("people", "person_id, kind, birth_date, country, language", ("p1", "known", born, "gb", "EN"))
    by_hand.put("reach", "person_id, is_reachable_email", ("p1", True))
    columns = "age_years, country, language, is_reachable_email"
    assert by_hand.make("person_features", columns) == [(age, "GB", "en", True)]


def test_the_wide_table_has_everybody_once_whatever_a_feature_leaves_out(starter: Path) -> None:
    by_hand = with_files(starter, "features/towns.sql", FEATURE)
    by_hand.put("people", "person_id, kind", ("p1", "known"), ("p2", "known"), ("a3", "anonymous"))
    by_hand.put("towns", "person_id, town", ("p2", "Graz"))
    by_hand.put("order_features", "person_id, order_count", ("p1", 3))
    assert by_hand.make("features", "person_id, order_count, town") == [("p1", 3, None), ("p2", None, "Graz")]


FEATURE = "-- One row per person: where she lives.\n-- owner: team:x\n-- feature\n"
FEATURE += "SELECT person_id, city AS town\nFROM people\n"


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        (FEATURE.replace("AS town", "AS order_count"), "column 'order_count' exists already, in order_features"),
        (FEATURE.replace("person_id, ", ""), "has no column person_id"),
    ],
)
def test_a_feature_that_does_not_fit_the_others_is_named(starter: Path, feature: str, problem: str) -> None:
    with pytest.raises(ProjectError, match=problem) as refused:
        with_files(starter, "features/towns.sql", feature)
    assert str(starter / "features" / "towns.sql") in str(refused.value)


def test_a_segment_is_those_for_whom_its_rule_is_true_and_unknown_is_not_true(starter: Path) -> None:
    by_hand = with_files(
        starter, "segments/away.yaml", "description: d\nwhere: order_count > 1 and days_since_last_order > 90\n"
    )
    rows = [("p1", 2, 91, True), ("p2", 2, 90, False), ("p3", 2, None, None), ("p4", None, 91, True)]
    by_hand.put("features", "person_id, order_count, days_since_last_order, is_reachable_email", *rows)
    assert by_hand.make("segment_members") == [("away", "p1"), ("reachable", "p1"), ("reachable", "p4")]


def test_a_segment_may_not_ask_for_a_score_or_another_segment(starter: Path) -> None:
    for rule, word in (("churn_probability > 0.5", "churn_probability"), ("in_segment('reachable')", "may not ask")):
        with pytest.raises(RuleError, match=word):
            with_files(starter, "segments/away.yaml", f"description: d\nwhere: {rule}\n")


def with_files(project: Path, place: str, text: str) -> HandMade:
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).write_text(text, encoding="utf-8")
    return HandMade(project)

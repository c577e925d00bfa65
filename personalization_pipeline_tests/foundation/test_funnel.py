"""The funnel adds up by hand and by an independent count, and an explanation tells unknown from no."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.funnel import PartVerdict, explain_sql, funnel_sql, read_explanation
from personalization_pipeline.foundation.rules import Rule, parse_rule

PEOPLE = """(SELECT * FROM (VALUES
    ('p1', 3, 'Graz', ['vip']),
    ('p2', 3, 'Wien', []),
    ('p3', 1, 'Graz', ['vip']),
    ('p4', NULL, 'Graz', NULL),
    ('p5', 5, NULL, ['vip'])
) AS people(person_id, order_count, city, segments))"""


def rule(text: str) -> Rule:
    return parse_rule(text, columns=["order_count", "city"], segments=["vip"], where="audiences/tea.yaml")


def row(sql: str, parameters: list[object]) -> dict[str, object]:
    """The one row of an answer, by column name."""
    answer = duckdb.execute(sql, parameters)
    names = [column[0] for column in answer.description]
    (values,) = answer.fetchall()
    return dict(zip(names, values, strict=True))


def counts(text: str) -> Mapping[str, object]:
    return row(funnel_sql(rule(text), PEOPLE), [])


def explained(text: str, person_id: str) -> list[PartVerdict]:
    return read_explanation(rule(text), row(explain_sql(rule(text), PEOPLE, "person_id"), [person_id]))


def test_a_funnel_counts_who_is_left_after_each_part_and_who_is_unknown() -> None:
    funnel = counts("order_count > 2 and city = 'Graz' and in_segment('vip')")

    assert list(funnel.items()) == [
        ("total", 5),
        *[("passed_1", 3), ("alone_1", 3), ("unknown_1", 1)],
        *[("passed_2", 1), ("alone_2", 3), ("unknown_2", 1)],
        *[("passed_3", 1), ("alone_3", 3), ("unknown_3", 1)],
    ]


def test_the_rule_for_everybody_keeps_everybody() -> None:
    assert counts("all") == {"total": 5, "passed_1": 5, "alone_1": 5, "unknown_1": 0}


def test_a_bare_number_column_counts_as_it_would_in_where() -> None:
    assert counts("order_count") == {"total": 5, "passed_1": 4, "alone_1": 4, "unknown_1": 1}


# What each condition says about p1 to p5, worked out by hand.
ANSWERS: dict[str, list[bool | None]] = {
    "order_count > 2": [True, True, False, None, True],
    "order_count is null": [False, False, False, True, False],
    "city = 'Graz'": [True, False, True, True, None],
    "(city = 'Wien' or order_count > 4)": [False, True, False, None, True],
    "not in_segment('vip')": [False, True, False, None, False],
}


@given(conditions=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=5))
def test_a_funnel_equals_a_count_of_people_one_by_one(conditions: list[str]) -> None:
    funnel = counts(" and ".join(conditions))

    for k, condition in enumerate(conditions, 1):
        so_far = zip(*(ANSWERS[earlier] for earlier in conditions[:k]), strict=True)
        assert funnel[f"passed_{k}"] == sum(all(answers) for answers in so_far)
        assert funnel[f"alone_{k}"] == ANSWERS[condition].count(True)
        assert funnel[f"unknown_{k}"] == ANSWERS[condition].count(None)


def test_the_last_count_of_a_funnel_is_the_size_of_the_rule() -> None:
    text = "(order_count > 2 or city = 'Graz') and in_segment('vip')"

    assert (
        row(f"SELECT count(*) AS size FROM {PEOPLE} WHERE {rule(text).sql}", [])["size"]
        == counts(text)["passed_2"]
        == 3
    )


def test_an_explanation_gives_each_part_its_verdict_and_the_values_that_it_read() -> None:
    assert explained("order_count > 2 and (city = 'Graz' or order_count > 9) and in_segment('vip')", "p4") == [
        PartVerdict("order_count > 2", "unknown", {"order_count": None}),
        PartVerdict("(city = 'Graz' OR order_count > 9)", "true", {"city": "Graz", "order_count": None}),
        PartVerdict("list_contains(segments, 'vip')", "unknown", {"segments": None}),
    ]
    assert [verdict.verdict for verdict in explained("order_count > 2 and city = 'Graz'", "p2")] == ["true", "false"]


def test_a_table_may_have_columns_named_like_the_answer() -> None:
    parsed = parse_rule('part_1 > 1 and "order" = 7', columns=["part_1", "value_1", "order"], segments=None, where="x")
    table = """(SELECT 'p1' AS person_id, 0 AS part_1, 9 AS value_1, 7 AS "order")"""

    assert read_explanation(parsed, row(explain_sql(parsed, table, "person_id"), ["p1"])) == [
        PartVerdict("part_1 > 1", "false", {"part_1": 0}),
        PartVerdict('"order" = 7', "true", {"order": 7}),
    ]
    assert row(funnel_sql(parsed, table), [])["passed_1"] == 0

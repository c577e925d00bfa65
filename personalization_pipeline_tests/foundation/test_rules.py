"""The rule language: what it accepts means in DuckDB what its text means there, and everything else is refused by name."""

from __future__ import annotations

import string
import subprocess
import sys
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.errors import RuleError
from personalization_pipeline.foundation.rules import Rule, parse_rule

PEOPLE = """
    SELECT * FROM (VALUES
        (3, 120.5, 'Graz', true, DATE '2026-11-19', DATE '2024-02-29', ['tea', 'cups'], ['vip']),
        (0, 0.0, '', false, NULL, DATE '2026-11-19', [], []),
        (1, NULL, 'graz', NULL, DATE '2025-01-31', NULL, ['tea', NULL], ['new', 'vip']),
        (NULL, -7.25, NULL, true, DATE '2026-11-19', DATE '2026-11-18', NULL, NULL),
        (2, 2.0, 'Wien', false, DATE '2020-03-01', DATE '2020-02-29', ['ink'], ['new'])
    ) AS people(order_count, spend, city, is_member, last_order_on, first_order_on, tags, segments)
"""
COLUMNS = ("order_count", "spend", "city", "is_member", "last_order_on", "first_order_on", "tags")


def rule(text: str) -> Rule:
    """Parse with the columns above and two segments; `religion` is sensitive."""
    columns, where = (*COLUMNS, "religion"), "segments/tea.yaml"
    return parse_rule(text, columns=columns, segments=("vip", "new"), where=where, sensitive=("religion",))


def refusal(text: str) -> str:
    with pytest.raises(RuleError) as refused:
        rule(text)
    return str(refused.value)


@pytest.fixture(scope="module")
def people() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE people AS {PEOPLE}")
        yield connection


# --- what a rule becomes


def test_a_rule_tells_its_columns_segments_and_parts() -> None:
    parsed = rule("(order_count > 2 and in_segment('vip')) and (city='Graz' or is_member) -- everybody we like")

    assert parsed.parts == ("order_count > 2", "list_contains(segments, 'vip')", "(city = 'Graz' OR is_member)")
    assert parsed.sql == " AND ".join(parsed.parts)
    assert parsed.columns == ("city", "is_member", "order_count", "segments")
    assert parsed.segments == ("vip",)


def test_the_layout_of_the_text_does_not_change_the_rule() -> None:
    one = rule("order_count>2 AND CITY in('Graz','Wien')")
    other = rule("  \"Order_Count\" > /* more than */ 2\n\tand city IN ('Graz', 'Wien') ")

    assert (one.sql, one.columns, one.parts) == (other.sql, other.columns, other.parts)


def test_a_rule_with_or_at_the_top_can_be_joined_to_other_conditions(people: duckdb.DuckDBPyConnection) -> None:
    parsed = rule("order_count > 2 or city = 'Wien'")

    assert people.sql(f"SELECT count(*) FROM people WHERE false AND {parsed.sql}").fetchall() == [(0,)]


@pytest.mark.parametrize("text", ["all", "ALL", "true", " True "])
def test_everybody_is_a_rule(text: str) -> None:
    assert rule(text).sql == "TRUE"


def test_a_column_with_the_name_of_a_keyword_is_quoted() -> None:
    parsed = parse_rule('"Order" > 1', columns=["order"], segments=None, where="x")

    assert parsed.sql == '"order" > 1'


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("city = 'Graz'", [True, False, False, None, False]),
        ("city is not null and not is_member", [False, True, None, False, True]),
        ("last_order_on - first_order_on > 365", [True, None, None, False, False]),
        ("last_order_on >= date '2026-11-20' - interval 1 day", [True, None, False, True, False]),
        ("year(last_order_on) = 2026 and month(last_order_on) = 11", [True, None, False, True, False]),
        ("in_segment('vip') and not in_segment('new')", [True, False, False, None, False]),
        ("list_contains(tags, 'tea')", [True, False, True, None, False]),
        ("case when spend > 100 then is_member else false end", [True, False, False, False, False]),
        ("coalesce(is_member, order_count > 0)", [True, False, True, True, False]),
        ("spend::integer between 2 and 121", [True, False, None, False, True]),
    ],
)
def test_a_rule_answers_yes_no_or_unknown(
    people: duckdb.DuckDBPyConnection, text: str, answers: list[bool | None]
) -> None:
    assert [row[0] for row in people.sql(f"SELECT {rule(text).sql} FROM people").fetchall()] == answers


# --- what is refused


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("; drop table people", "drop"),
        ("order_count > 1; drop table people", "drop"),
        ("drop table people", "drop"),
        ("select true", "select"),
        ("with t as (select 1) select true", "with"),
        ("is_member from people", "from"),
        ("true union select true", "union"),
        ("is_member) or (true", ")"),
        ("attach 'other.duckdb'", "quoted text"),
        ("copy people to 'x.csv'", "people"),
        ("exists (select 1)", "exists()"),
        ("order_count > (select 1)", "SUBQUERY"),
        ("order_count in (select 1)", "IN"),
        ("order_count = any (select 1)", "ANY"),
        ("order_count in (spend, 2)", "IN"),
        ("read_csv('/etc/passwd') is null", "read_csv()"),
        ("read_text('/etc/passwd') is null", "read_text()"),
        ("'/etc/passwd'.read_text() is null", "DOT"),
        ("glob('*') is null", "glob()"),
        ("getenv('HOME') = 'x'", "getenv()"),
        ("current_setting('home_directory') = 'x'", "current_setting()"),
        ("query_table('people') is null", "query_table()"),
        ("unnest(tags) = 'tea'", "unnest()"),
        ("last_order_on > current_date", "current_date()"),
        ("last_order_on > now()", "now()"),
        ("random() > 0.5", "random()"),
        ("row_number() over () = 1", "WINDOW"),
        ("count(*) > 1", "count()"),
        ("sum(spend) > 1", "sum()"),
        ("abs(spend) filter (where is_member) > 1", "FILTER"),
        ("list_filter(tags, x -> x = 'tea') is null", "list_filter()"),
        ("list_filter(tags, lambda x: x = 'tea') is null", "list_filter()"),
        ("spend > $1", "PLACEHOLDER"),
        ("spend > ?", "PLACEHOLDER"),
        ("spend > #1", "POSITIONAL COLUMN"),
        ("* is null", "STAR"),
        ("people.* is null", "dot"),
        ("columns(*) is null", "columns()"),
        ("people.spend > 1", "'spend' is written with a dot"),
        ("main.abs(spend) > 1", "DOT"),
        ("tags[1] = 'tea'", "BRACKET"),
        ("{'a': spend} is null", "STRUCT"),
        ("city -> 'a' is null", "JSON"),
        ("cast(city as varchar[]) is null", "CAST"),
        ("city::timestamptz is null", "CAST"),
        ("city ~ 'G.*'", "regexp_matches()"),
        ("city collate nocase = 'graz'", "COLLATE"),
        ("order_count between symmetric 3 and 1", "BETWEEN"),
        ("last_order_on + interval (order_count) day is null", "interval"),
        ("(spend, order_count) = (1, 2)", "TUPLE"),
        ("in_segment(city)", "in_segment"),
        ("segments is null", "read directly"),
        ("{{ spend }} > 1", "STRUCT"),
    ],
)
def test_a_rule_that_is_more_than_a_condition_is_refused_by_name(text: str, named: str) -> None:
    assert named in refusal(text).split("\nFix: ")[0]


@pytest.mark.parametrize("text", ["1", "'yes'", "order_count + 1", "lower(city)", "is_member and 1", "null", "not 'x'"])
def test_a_value_is_not_a_rule(text: str) -> None:
    assert "a value, not a condition" in refusal(text)


@pytest.mark.parametrize("text", ["", "   ", "-- nothing", "/* nothing */"])
def test_an_empty_rule_is_refused(text: str) -> None:
    assert "the rule is empty" in refusal(text)


@pytest.mark.parametrize("text", ["order_count > 1 = is_member", "not spend = order_count > 1", "1 < spend < 9"])
def test_a_condition_bare_inside_another_needs_parentheses(text: str) -> None:
    assert "put parentheses" in refusal(text)


def test_an_unknown_column_is_refused_with_the_file_the_word_and_the_nearest_names() -> None:
    assert refusal("spend > 2 and last_odrer_on is null") == (
        "segments/tea.yaml: unknown column 'last_odrer_on'\nFix: did you mean last_order_on or first_order_on?"
    )


def test_a_text_in_double_quotes_is_told_apart_from_a_column() -> None:
    assert "'single quotes'" in refusal('city = "Graz"')


def test_an_unknown_segment_is_refused_with_the_nearest_names() -> None:
    assert "unknown segment 'vpi'\nFix: did you mean vip?" in refusal("in_segment('vpi')")


def test_a_segment_may_not_ask_for_segments() -> None:
    with pytest.raises(RuleError, match="may not ask for segments"):
        parse_rule("in_segment('vip')", columns=COLUMNS, segments=None, where="segments/tea.yaml")


def test_nobody_is_selected_by_a_special_category_of_personal_data() -> None:
    assert "special category" in refusal("order_count > 1 and Religion = 'x'")
    assert "religion" not in refusal("religon = 'x'")


def test_an_error_says_where_the_text_cannot_be_read() -> None:
    assert "line 2, column 7, near 'drop'" in refusal("spend > 1\nand a drop b")
    assert "opens at line 2, column 12" in refusal("spend > 1\nand city = 'Graz")
    assert "U+00A0) stands at line 1, column 6" in refusal("spend\xa0> 1")
    assert "quoted text" in refusal("city in ('Graz') 'somebody@example.org'")


def test_a_rule_nested_beyond_reason_is_refused() -> None:
    assert "nested too deeply" in refusal("(" * 2000 + "is_member" + ")" * 2000)


def test_a_long_rule_is_fine() -> None:
    assert len(rule(" and ".join(["order_count > 1"] * 3000)).parts) == 3000


# --- properties


def _joined(template: str, *operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(template.format, *operands)


NUMBERS = st.recursive(
    st.sampled_from(["order_count", "spend", "0", "2", "2.5", "-1", "year(last_order_on)", "length(city)"]),
    lambda n: st.one_of(
        _joined("{} {} {}", n, st.sampled_from(["+", "-", "*", "/", "//", "%"]), n),
        _joined("- {}", n),
        _joined("({})", n),
        _joined("{}({})", st.sampled_from(["abs", "floor", "ceil", "round"]), n),
        _joined("{}({}, {})", st.sampled_from(["coalesce", "nullif", "greatest", "least"]), n, n),
    ),
    max_leaves=4,
)
TEXTS = st.sampled_from(["city", "'Graz'", "''", "lower(city)", "trim(upper(city))", "cast(order_count as varchar)"])
DAYS = st.sampled_from(["last_order_on", "first_order_on", "date '2026-11-19'", "first_order_on + interval 1 month"])
COMPARISONS = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"])
CONDITIONS = st.recursive(
    st.one_of(
        st.sampled_from(["is_member", "true", "list_contains(tags, 'tea')", "starts_with(city, 'G')"]),
        *[_joined("{} {} {}", kind, COMPARISONS, kind) for kind in (NUMBERS, TEXTS, DAYS)],
        _joined("{} {} {} and {}", NUMBERS, st.sampled_from(["between", "not between"]), NUMBERS, NUMBERS),
        _joined("{} {} (-1, 2, 3)", NUMBERS, st.sampled_from(["in", "not in"])),
        _joined("{} {} 'g%'", TEXTS, st.sampled_from(["like", "not like", "ilike", "not ilike"])),
        _joined("{} {}", st.one_of(NUMBERS, TEXTS, DAYS), st.sampled_from(["is null", "is not null"])),
    ),
    lambda c: st.one_of(
        _joined("{} {} {}", c, st.sampled_from(["and", "or"]), c),
        _joined("not {}", c),
        _joined("({})", c),
        _joined("({}) {}", c, st.sampled_from(["is null", "is not true", "is false"])),
        _joined("case when {} then {} else {} end", c, c, c),
    ),
    max_leaves=6,
)


@given(text=CONDITIONS)
def test_a_rule_means_what_its_text_means_to_the_database(people: duckdb.DuckDBPyConnection, text: str) -> None:
    parsed = rule(text)
    whole = " AND ".join(f"({part})" for part in parsed.parts)

    answers = people.sql(f"SELECT ({text}), ({parsed.sql}), ({whole}) FROM people").fetchall()

    assert all(original == normalised == joined for original, normalised, joined in answers)
    assert rule(parsed.sql).sql == parsed.sql


SOUP = """
    spend city is_member 1 'x' ( ) , . ; and or not in is null between like case when then end interval day cast as
    select from where over filter distinct lambda -> => [ ] { } :: $1 ? * % @ -- /* */ ' " $$ abs( lower( in_segment(
    current_date count( union table drop
"""
WORDS = st.sampled_from(SOUP.split())


@given(text=st.one_of(st.text(string.printable), st.text(), st.lists(WORDS, max_size=12).map(" ".join)))
def test_no_text_is_answered_by_anything_but_a_rule_or_a_refusal(text: str) -> None:
    try:
        parsed = rule(text)
    except RuleError:
        return
    assert rule(parsed.sql).sql == parsed.sql


def test_reading_a_rule_needs_no_database() -> None:
    script = "import sys, personalization_pipeline.foundation.funnel; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

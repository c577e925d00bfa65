"""A table's file: its header, what its SELECT reads, and the order in which tables can be built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.tables import Plot, Table, in_order, parse_select, read_table, relations

Written = Callable[..., Table]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written("-- header", ..., "SELECT ...")`: the lines as a file, read."""

    def read(*lines: str) -> Table:
        path = tmp_path / "visits.sql"
        path.write_text("\n".join(lines), encoding="utf-8")
        return read_table(path, "segment")

    return read


def reads(sql: str, space: str | None = None) -> tuple[str, ...]:
    return relations(parse_select(sql, "visits.sql"), space)


def test_a_header_says_everything_about_its_table(written: Written) -> None:
    table = written(
        "-- One row per visit: when she came,",
        "-- and for how long.",
        "-- owner: team:analytics",
        "-- private",
        "-- feature",
        "-- columns: visit_key VARCHAR, paid_amount DECIMAL(18, 2), place STRUCT(x INTEGER, y INTEGER), seen_at TIMESTAMP",
        "-- column visit_key: source and key: both",
        "-- check: count(*) >= 1",
        "-- warn: count(*) <= 9",
        "-- plot bar: weekday by count(*)",
        "-- plot line: day_on by sum(paid_amount)",
        "SELECT 1 AS visit_key",
    )
    assert (table.name, table.phase, table.owner) == ("visits", "segment", "team:analytics")
    assert table.description == "One row per visit: when she came, and for how long."
    assert table.is_private
    assert table.is_feature
    assert dict(table.memory) == {
        "visit_key": "VARCHAR",
        "paid_amount": "DECIMAL(18, 2)",
        "place": "STRUCT(x INTEGER, y INTEGER)",
        "seen_at": "TIMESTAMP",
    }
    assert dict(table.comments) == {"visit_key": "source and key: both"}
    assert [(check.text, check.severity) for check in table.checks] == [
        ("count(*) >= 1", "error"),
        ("count(*) <= 9", "warn"),
    ]
    assert table.plots == (Plot("bar", "weekday", "count(*)"), Plot("line", "day_on", "sum(paid_amount)"))


def test_a_table_lies_where_its_header_says(written: Written) -> None:
    assert written("-- One row.", "SELECT 1").target == "warehouse.main.visits"
    assert written("-- One row.", "-- private", "SELECT 1").target == "private.main.visits"


def test_a_view_is_one_of_private_tables_alone(written: Written) -> None:
    assert written("-- One row.", "-- private", "-- view", "SELECT a FROM visits JOIN people USING (a)").is_view
    assert not written("-- One row.", "-- private", "SELECT 1").is_view
    for lines in (
        ["-- view", "SELECT a FROM visits"],
        ["-- private", "-- view", "SELECT a FROM facts.events"],
        ["-- private", "-- view", "SELECT a FROM visits JOIN computed.limits USING (a)"],
    ):
        with pytest.raises(TableError, match="a view of more than private tables"):
            written("-- One row.", *lines)


def test_a_description_may_begin_with_a_word_that_is_a_keyword(written: Written) -> None:
    table = written("-- private visits of one person, as", "-- feature writers know them.", "SELECT 1")
    assert not table.is_private
    assert not table.is_feature
    assert table.description == "private visits of one person, as feature writers know them."


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["SELECT 1"], "no description"),
        (["-- owner: team:x", "SELECT 1"], "no description"),
        (["-- One row.", "-- owner: team:x", "-- and more", "SELECT 1"], "'and more' is no keyword"),
        (["-- One row.", "-- owner: team:x", "-- chekc: count(*) = 0", "SELECT 1"], "is no keyword"),
        (["-- One row.", "-- chekc: count(*) = 0", "SELECT 1"], "is no keyword"),
        (["-- One row.", "-- columns: visit_key", "SELECT 1"], "cannot read the columns 'visit_key'"),
        (["-- One row.", "-- check: many", "SELECT 1"], "cannot read the check 'many'"),
        (["-- One row.", "-- check:", "SELECT 1"], "cannot read the check"),
        (["-- One row.", "-- plot pie: x by count(*)", "SELECT 1"], "cannot read the plot pie"),
        (["-- One row.", "-- plot bar: x", "SELECT 1"], "cannot read the plot bar"),
        (["-- One row."], "other than one SELECT"),
        (["-- One row.", "SELECT 1; SELECT 2"], "other than one SELECT"),
        (["-- One row.", "DROP TABLE people"], "other than one SELECT"),
        (["-- One row.", "CREATE TABLE x AS SELECT 1"], "other than one SELECT"),
        (["-- One row.", "COPY people TO 'people.csv'"], "other than one SELECT"),
        (["-- One row.", "SELECT 'x"], "never closed"),
        (["-- One row.", "-- owner: team:x", "SELECT (a", "FROM people"], "line 4 does not parse near 'FROM'"),
    ],
)
def test_a_file_that_breaks_the_grammar_is_told_with_its_name(written: Written, lines: list[str], problem: str) -> None:
    with pytest.raises(TableError, match=r"visits\.sql: ") as refused:
        written(*lines)
    assert problem in str(refused.value)
    assert "\nFix: " in str(refused.value)


def test_a_file_that_is_not_utf_8_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "visits.sql").write_bytes("-- Besuche für Österreich\nSELECT 1".encode("latin-1"))
    with pytest.raises(TableError, match=r"visits\.sql: is not UTF-8"):
        read_table(tmp_path / "visits.sql", "segment")


def test_a_line_end_of_another_system_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "visits.sql").write_bytes(b"-- One row.\r\n-- owner: team:x\r\nSELECT 1 AS a\r\n")
    table = read_table(tmp_path / "visits.sql", "segment")
    assert (table.description, table.owner) == ("One row.", "team:x")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM people",
        "WITH young AS (SELECT a FROM people) SELECT a FROM young",
        "WITH young AS (SELECT a FROM people), few AS (SELECT a FROM young) SELECT a FROM few JOIN young ON true",
        "SELECT a FROM (SELECT a FROM people) AS inner_part",
        "SELECT a FROM tonight WHERE a IN (SELECT a FROM people)",
        "SELECT a, (SELECT max(b) FROM people) AS b FROM tonight",
        "SELECT a FROM tonight WHERE EXISTS (SELECT 1 FROM people AS p WHERE p.a = tonight.a)",
        "SELECT a FROM people UNION ALL SELECT a FROM people",
        "SELECT a FROM tonight LEFT JOIN people AS p ON p.a = tonight.a, unnest([1, 2]) AS list(b)",
        "SELECT a FROM tonight QUALIFY row_number() OVER (ORDER BY (SELECT max(a) FROM people)) = 1",
    ],
)
def test_a_table_is_found_wherever_a_select_reads_it(sql: str) -> None:
    assert [name for name in reads(sql) if name != "tonight"] == ["people"]


def test_each_space_is_found_apart() -> None:
    sql = """
        WITH landed AS (SELECT a FROM facts.contacts JOIN yesterday.people USING (a))
        SELECT a FROM landed JOIN people USING (a) JOIN computed.edges USING (a) CROSS JOIN tonight
        JOIN slot.choice AS choice ON true WHERE a > slot.threshold"""
    assert reads(sql) == ("people", "tonight")
    assert reads(sql, "facts") == ("contacts",)
    assert reads(sql, "yesterday") == ("people",)
    assert reads(sql, "computed") == ("edges",)
    assert reads(sql, "slot") == ("choice",)


def test_a_part_named_like_a_fact_does_not_hide_the_fact() -> None:
    assert reads("WITH orders AS (SELECT a FROM facts.orders) SELECT a FROM orders", "facts") == ("orders",)
    assert reads("WITH orders AS (SELECT a FROM facts.orders) SELECT a FROM orders") == ()


def test_a_function_that_makes_rows_is_no_table() -> None:
    assert reads("SELECT i FROM range(10) AS numbers(i)") == ()


def test_slots_are_filled_with_expressions_and_relations(written: Written) -> None:
    table = written("-- One row.", "SELECT slot.rule AS is_old FROM slot.listed AS listed JOIN slot.other ON true")
    assert table.slots == ("listed", "other", "rule")
    sql = table.filled({"rule": "age > 60 OR slow", "listed": "SELECT 1 AS age", "other": "SELECT true AS slow"})
    assert "slot" not in sql
    assert relations(parse_select(sql, "x")) == ()
    assert "(SELECT 1 AS age) AS listed" in sql
    assert "(SELECT TRUE AS slow) AS other" in sql
    assert "(age > 60 OR slow) AS is_old" in sql


def test_what_fills_a_slot_keeps_its_meaning_among_its_neighbours(written: Written) -> None:
    table = written("-- One row.", "SELECT 3 * slot.amount AS amount FROM people WHERE slot.rule AND NOT slot.rule")
    sql = table.filled({"amount": "1 + 2", "rule": "a OR b"})
    assert "3 * (1 + 2)" in sql
    assert "(a OR b) AND NOT (a OR b)" in sql


def test_a_select_without_slots_has_none(written: Written) -> None:
    assert written("-- One row.", "SELECT slots.a FROM slots").slots == ()


def test_tables_come_after_what_they_read_and_alphabetically_where_free() -> None:
    assert in_order({"c": ["b"], "b": ["a"], "a": [], "d": []}) == ["a", "d", "b", "c"]
    assert in_order({"b": ["unknown"], "a": ["outside"]}) == ["a", "b"]
    assert in_order({}) == []


def test_tables_in_a_circle_are_told_by_name() -> None:
    with pytest.raises(TableError, match=r"circle: .*a -> .*\nFix: break it"):
        in_order({"a": ["c"], "b": ["a"], "c": ["b"], "d": []})
    with pytest.raises(TableError, match="a -> a"):
        in_order({"a": ["a"]})


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_whatever_reads_what_the_order_holds_and_depends_on_nothing_else(pairs: list[tuple[int, int]]) -> None:
    lineage: dict[str, list[str]] = {f"t{i}": [] for i in range(10)}
    for one, other in pairs:
        if one != other:
            lineage[f"t{max(one, other)}"].append(f"t{min(one, other)}")
    order = in_order(lineage)
    assert sorted(order) == sorted(lineage)
    assert all(order.index(read) < order.index(name) for name, found in lineage.items() for read in found)
    assert order == in_order({name: found[::-1] for name, found in reversed(lineage.items())})

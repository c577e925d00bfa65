"""The hash of a table's content: blind to the order of its rows, and to nothing else."""

from __future__ import annotations

import string
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.warehouse import Connection, content_hash, put_frame, scratch_connection

# What the text of a struct is made of, so that cells could be taken for each other's borders.
CELL = (
    st.none() | st.sampled_from(["", "NULL", "null", " "]) | st.text("ab',:{}\\\" \n[]" + string.digits[:2], max_size=6)
)
ROW = st.tuples(CELL, CELL, st.none() | st.integers(-3, 3), st.none() | st.lists(CELL, max_size=2))
ROWS = st.lists(ROW, min_size=1, max_size=5)
TYPES = {"name": "VARCHAR", "city": "VARCHAR", "visit_count": "BIGINT", "tags": "VARCHAR[]"}
SCHEMA = pl.Schema({"name": pl.String(), "city": pl.String(), "visit_count": pl.Int64(), "tags": pl.List(pl.String())})

Row = tuple[object, ...]


@pytest.fixture(scope="module")
def engine() -> Iterator[Connection]:
    connection = scratch_connection(threads=2)
    yield connection
    connection.close()


def hashed(connection: Connection, rows: list[Row]) -> str:
    put_frame(connection, "memory.main.visits", pl.DataFrame(rows, schema=SCHEMA, orient="row"), TYPES)
    return content_hash(connection, "visits")


def content(rows: list[Row]) -> list[str]:
    return sorted(repr(row) for row in rows)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_makes_no_difference(engine: Connection, rows: list[Row], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert hashed(engine, shuffled) == hashed(engine, rows)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.data())
def test_one_other_cell_makes_another_hash(engine: Connection, rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 3))
    other = list(rows[place])
    other[column] = data.draw(
        [CELL, CELL, st.none() | st.integers(-3, 3), st.none() | st.lists(CELL, max_size=2)][column]
    )
    changed = [*rows[:place], tuple(other), *rows[place + 1 :]]
    assume(content(changed) != content(rows))
    assert hashed(engine, changed) != hashed(engine, rows)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS)
def test_two_tables_have_one_hash_only_if_they_have_the_same_rows(
    engine: Connection, rows: list[Row], others: list[Row]
) -> None:
    assert (hashed(engine, rows) == hashed(engine, others)) == (content(rows) == content(others))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT NULL AS a", "SELECT '' AS a"),
        ("SELECT NULL AS a", "SELECT 'NULL' AS a"),
        ("SELECT 'x' AS a", "SELECT 'x ' AS a"),
        ("SELECT 'x, b: y' AS a, NULL AS b", "SELECT 'x' AS a, 'y' AS b"),
        ("SELECT 'x' AS a, 'y' AS b", "SELECT 'y' AS a, 'x' AS b"),
        ("SELECT 'x' AS a", "SELECT 'x' AS b"),
        ("SELECT 'x' AS a", "SELECT 'x' AS a, NULL AS b"),
        ("SELECT ['x', 'y'] AS a", "SELECT ['x, y'] AS a"),
        ("SELECT ['x', 'y'] AS a", "SELECT ['y', 'x'] AS a"),
        ("SELECT 1.10 AS a", "SELECT 1.1 AS a"),
        ("SELECT TIMESTAMP '2026-07-01 00:00:00' AS a", "SELECT TIMESTAMP '2026-07-01 00:00:00.000001' AS a"),
        ("SELECT 'x' AS a", "SELECT 'x' AS a UNION ALL SELECT 'x'"),
        ("SELECT 1 AS a, 2 AS b UNION ALL SELECT 3, 4", "SELECT 1 AS a, 4 AS b UNION ALL SELECT 3, 2"),
    ],
)
def test_rows_that_look_alike_are_told_apart(engine: Connection, one: str, other: str) -> None:
    assert content_hash(engine, f"({one})") != content_hash(engine, f"({other})")


def test_the_order_of_the_columns_makes_no_difference(engine: Connection) -> None:
    assert content_hash(engine, "(SELECT 1 AS a, 'x' AS b)") == content_hash(engine, "(SELECT 'x' AS b, 1 AS a)")


def test_tables_without_rows_differ_by_their_columns(engine: Connection) -> None:
    empty = ["(SELECT 1 AS a WHERE false)", "(SELECT 1 AS b WHERE false)", "(SELECT '1' AS a WHERE false)"]
    assert len({content_hash(engine, relation) for relation in empty}) == len(empty)


def test_threads_make_no_difference() -> None:
    rows = "(SELECT i AS a, md5(CAST(i AS VARCHAR)) AS b FROM range(300000) AS r(i))"
    hashes = set()
    for threads in (1, 2, 4):
        connection = scratch_connection(threads=threads)
        hashes.add(content_hash(connection, rows))
        connection.close()
    assert len(hashes) == 1


def test_a_hash_is_the_same_in_every_process_and_version(engine: Connection) -> None:
    """Pinned: two nights are compared by hashes that different processes wrote."""
    rows: list[Row] = [("anna", None, 2, ["a", "b"]), ("ben", "", None, [])]
    assert hashed(engine, rows) == "2-1bdc0c0649efcd0e9-d9398a46"

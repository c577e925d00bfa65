"""A check as one line: its grammar, its bounds, and the one SELECT that measures all checks of a table."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.checks import Check, metrics_sql, read_check
from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.warehouse import Connection, row, scratch_connection


@pytest.fixture(scope="module")
def visits() -> Iterator[Connection]:
    """Three visits, one without a price, in `visits`; none in `nobody`."""
    connection = scratch_connection(threads=1)
    connection.execute(
        "CREATE TABLE visits AS SELECT * FROM (VALUES ('anna', 2.50), ('anna', 4.00), ('ben', NULL)) AS given (name, price)"
    )
    connection.execute("CREATE TABLE nobody AS SELECT * FROM visits WHERE false")
    yield connection
    connection.close()


def read(line: str) -> Check:
    return read_check(line, "visits.sql")


@pytest.mark.parametrize(
    ("line", "lowest", "highest", "strict"),
    [
        ("count(*) = 3", 3, 3, False),
        ("count(*) >= 3", 3, None, False),
        ("count(*) <= 3", None, 3, False),
        ("count(*) > 3", 3, None, True),
        ("count(*) < 3", None, 3, True),
        ("count(*) BETWEEN 1 AND 3", 1, 3, False),
        ("min(price) BETWEEN -2.5 AND -0.5", Decimal("-2.5"), Decimal("-0.5"), False),
        ("sum(price) >= -1", -1, None, False),
        ("sum(price) < 0.1", None, Decimal("0.1"), True),
        ("count(*) >= 1e3", 1000, None, False),
    ],
)
def test_a_comparison_becomes_exact_bounds(
    line: str, lowest: Decimal | None, highest: Decimal | None, strict: bool
) -> None:
    check = read(line)
    assert (check.lowest, check.highest, check.strict) == (lowest, highest, strict)


@pytest.mark.parametrize(
    ("line", "severity", "text"),
    [
        ("count(*) = 0", "error", "count(*) = 0"),
        ("error: count(*) = 0", "error", "count(*) = 0"),
        ("warn: count(*) = 0", "warn", "count(*) = 0"),
        ("  WARN:count(*) = 0 ", "warn", "count(*) = 0"),
    ],
)
def test_a_check_is_an_error_unless_it_only_warns(line: str, severity: str, text: str) -> None:
    check = read(line)
    assert (check.severity, check.text) == (severity, text)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "count(*)",
        "0 = count(*)",
        "count(*) <> 0",
        "count(*) NOT BETWEEN 1 AND 2",
        "count(*) = 0 AND count(name) = 0",
        "count(*) BETWEEN 1 AND 'x'",
        "count(*) = 'x'",
        "count(*) = 1 + 1",
        "count(*) >= NULL",
        "count(*) = 'unclosed",
        "count(*) = 0; DROP TABLE visits",
        "SELECT 1",
        "warn: warn: count(*) = 0",
    ],
)
def test_anything_but_a_metric_and_a_number_is_refused(line: str) -> None:
    with pytest.raises(TableError, match=r"visits\.sql: cannot read the check") as refused:
        read(line)
    assert "\nFix: write `<aggregate> <= <number>`" in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "price >= 0",
        "1 = 1",
        "count(*) + price >= 0",
        "max(price) - price = 0",
        "min(price) OVER () >= 0",
        "(SELECT count(*) FROM people) = 0",
        "unnest([1, 2]) >= 0",
    ],
)
def test_what_has_one_value_per_row_is_no_metric(line: str) -> None:
    """It would be judged by any one row of the table."""
    with pytest.raises(TableError, match="cannot read the check"):
        read(line)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("count(*) = 3", 3),
        ("count(*) - count(DISTINCT name) = 0", 1),
        ("count(*) FILTER (price > 3) = 1", 1),
        ("count(*) FILTER (WHERE price IS NULL OR name = 'ben') = 1", 1),
        ("sum(price) = 6.5", 6.5),
        ("sum(price) / count(*) <= 3", 6.5 / 3),
        ("round(avg(price), 1) >= 3", 3.3),
        ("max(length(name)) <= 4", 4),
    ],
)
def test_a_metric_is_measured_over_the_whole_table(visits: Connection, line: str, value: float) -> None:
    assert row(visits, metrics_sql([read(line)], "visits"))["m0"] == pytest.approx(value, abs=1e-12)


def test_all_metrics_of_a_table_are_measured_by_one_select_in_their_order(visits: Connection) -> None:
    sql = metrics_sql([read("count(*) >= 1"), read("warn: max(price) <= 9"), read("count(price) = 2")], "visits")
    assert row(visits, sql) == {"m0": 3.0, "m1": 4.0, "m2": 2.0}


@pytest.mark.parametrize("metric", ["count(*)", "sum(price)", "max(price)", "avg(price)", "count(DISTINCT name)"])
def test_a_metric_over_no_rows_counts_as_zero(visits: Connection, metric: str) -> None:
    assert row(visits, metrics_sql([read(f"{metric} >= 1")], "nobody")) == {"m0": 0.0}


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, places=4))
def test_a_bound_is_read_to_the_last_digit(bound: Decimal) -> None:
    assert read(f"sum(price) <= {bound:f}").highest == bound

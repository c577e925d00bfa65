"""A rule's types are tried before anybody's data is: the refusal names the rule, the part and the types, never a value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from personalization_pipeline.foundation.checked_rules import checked_rule, rule_errors_told
from personalization_pipeline.foundation.errors import RuleError
from personalization_pipeline.foundation.warehouse import Connection, query, scratch_connection

COLUMNS = {
    "order_count": "BIGINT",
    "order_value_amount": "DECIMAL(18,2)",
    "last_order_on": "DATE",
    "country": "VARCHAR",
    "is_reachable_email": "BOOLEAN",
    "segments": "VARCHAR[]",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    found = scratch_connection(threads=1)
    yield found
    found.close()


@pytest.mark.parametrize(
    "text",
    [
        "country = 3",  # the engine would cast every country to a number, and quote the first that is none
        "country IN (3, 4)",
        "country > 3",
        "order_count = 'many'",
        "last_order_on > 90",
        "last_order_on > 'last week'",
        "order_value_amount > 'a lot'",
        "lower(order_count) = 'x'",
        "CAST(country AS INT) > 3",
        "country",
        "order_count > 3 AND is_reachable_email AND country = 3",
    ],
)
def test_a_part_whose_types_do_not_fit_is_named_with_the_types_of_its_columns(
    connection: Connection, text: str
) -> None:
    with pytest.raises(RuleError) as refused:
        checked_rule(connection, text, columns=COLUMNS, segments=None, where="segments/vip.yaml")
    said = str(refused.value)
    assert said.startswith(f"segments/vip.yaml: {text.rpartition(' AND ')[2]!r} compares or casts")
    column = next(name for name in COLUMNS if name in text.rpartition(" AND ")[2])
    assert f"{column} is {COLUMNS[column]}" in said
    assert "word" not in said, "the made-up person's text is a value too"
    assert "TRY_CAST" in refused.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "all",
        "true",
        "order_count",
        "country = '3' AND TRY_CAST(country AS INTEGER) > 3",
        "last_order_on > '2026-01-01' OR last_order_on + INTERVAL 3 DAY > DATE '2026-01-01'",
        "order_value_amount / order_count > 20.5",
        "in_segment('vip') AND NOT is_reachable_email",
        "country IS NULL OR upper(country) LIKE 'A%'",
    ],
)
def test_a_rule_whose_types_fit_passes(connection: Connection, text: str) -> None:
    rule = checked_rule(connection, text, columns=COLUMNS, segments=["vip"], where="audiences/a.yaml")
    assert rule.text == text


def test_an_error_that_only_real_data_shows_is_told_without_the_data(connection: Connection) -> None:
    with pytest.raises(RuleError) as refused, rule_errors_told("audiences/a.yaml", "CAST(city AS INTEGER) > 3", {}):
        query(connection, "SELECT CAST(city AS INTEGER) FROM (SELECT 'Timbuktu' AS city)")
    assert "Timbuktu" not in str(refused.value)
    assert str(refused.value).startswith("audiences/a.yaml: 'CAST(city AS INTEGER) > 3'")
    assert refused.value.__suppress_context__

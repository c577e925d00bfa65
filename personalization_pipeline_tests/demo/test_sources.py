"""The demo project's sources fit the files that the world writes: same columns, and every expression reads them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from personalization_pipeline.demo.landing import CRM_COLUMNS, WEB_COLUMNS
from personalization_pipeline.demo.world import write_world
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.warehouse import scratch_connection

SOURCES = Path(__file__).parents[2] / "data" / "demo" / "sources"
COLUMNS = {"web_orders": WEB_COLUMNS, "crm_customers": CRM_COLUMNS}


def source(name: str) -> Source:
    return Source.model_validate(yaml.safe_load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_contract_lists_the_columns_of_the_files_and_no_other(name: str) -> None:
    assert sorted(source(name).columns) == sorted(COLUMNS[name])


@pytest.mark.parametrize("name", COLUMNS)
def test_every_mapped_expression_reads_every_value_that_is_there(name: str, tmp_path: Path) -> None:
    """An expression gives NULL only where the columns that it reads are blank."""
    write_world(tmp_path, people=150, seed=7)
    declared = source(name)
    connection = scratch_connection()
    files = tmp_path / "landing" / declared.files
    connection.execute(f"CREATE TABLE landed AS SELECT * FROM read_csv('{files}', all_varchar = true)")
    for entity in declared.maps:
        for mapping in declared.mappings(entity):
            for target, expression in mapping.items():
                read = {column.name for column in sqlglot.parse_one(expression, dialect="duckdb").find_all(exp.Column)}
                blank = " OR ".join(f"{column} IS NULL" for column in sorted(read)) or "false"
                unread = connection.execute(
                    f"SELECT count(*) FROM landed WHERE ({expression}) IS NULL AND NOT ({blank})"
                ).fetchall()
                assert unread == [(0,)], f"{entity}.{target}"


def test_what_the_shop_sold_and_took_back_adds_up(tmp_path: Path) -> None:
    write_world(tmp_path, people=150, seed=7)
    files = tmp_path / "landing" / "web_orders" / "*.csv"
    total = duckdb.sql(
        "SELECT status, sum(CAST(line_total AS DECIMAL(18,2))) AS amount, count(DISTINCT (order_id, line_no)) = count(*) "
        f"FROM read_csv('{files}', all_varchar = true) GROUP BY status ORDER BY status"
    ).fetchall()
    amounts = {status: amount for status, amount, _ in total}
    assert all(is_unique for *_, is_unique in total)
    assert amounts["paid"] > 0 > amounts["refunded"]
    assert amounts["cancelled"] < 0
    assert abs(amounts["refunded"] + amounts["cancelled"]) < amounts["paid"] / 10

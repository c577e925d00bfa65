"""Cells that stand on the first row of a group only, and mappings that mean some rows only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.warehouse import Limits, query, scratch_connection
from personalization_pipeline.ingest.mapping import mapped_columns
from personalization_pipeline.ingest.reading import FileSummary, read_file

ORDERS = """order,buyer,sku,amount,refund
A1,ann,x,5.00,
A1,,y,2.00,
B2,bob,x,4.00,1.50
B2,,z,1.00,
C3,,x,9.00,
"""
MAPS: dict[str, Any] = {
    "order_lines": [
        {
            "order_id": '"order"',
            "line_id": "sku",
            "product_id": "sku",
            "amount": "money(amount)",
            "occurred_at": "utc('2026-01-01', '%Y-%m-%d')",
        },
        {
            "where": "money(refund) > 0",
            "order_id": '"order"',
            "line_id": "'refund'",
            "amount": "-money(refund)",
            "line_kind": "'refund'",
            "occurred_at": "utc('2026-01-02', '%Y-%m-%d')",
        },
    ],
    "orders": {"order_id": '"order"', "record_id": "buyer", "ordered_at": "utc('2026-01-01', '%Y-%m-%d')"},
    "contacts": {"where": "buyer = 'bob'", "record_id": "buyer", "first_name": "buyer"},
}


def source(**changes: Any) -> Source:
    declared: dict[str, Any] = {
        "description": "orders",
        "owner": "team:test",
        "party": "first",
        "legal_basis": "contract",
        "files": "orders/*.csv",
        "format": {"fill_down": {"by": "order", "columns": ["buyer"]}},
        "columns": dict.fromkeys(("order", "buyer", "sku", "amount", "refund"), "required"),
        "rows_are": "order_lines",
        "maps": MAPS,
    }
    return Source.model_validate(declared | changes)


def read(folder: Path, text: str, declared: Source) -> tuple[FileSummary, dict[str, list[tuple[Any, ...]]]]:
    (folder / "orders.csv").write_text(text, encoding="utf-8")
    summary = read_file(folder / "orders.csv", "shop", declared, folder / "shop.yaml", folder / "facts", Limits())
    connection = scratch_connection()
    wanted = {
        "orders": "order_key, record_key",
        "order_lines": "line_key, amount, row_number",
        "contacts": "record_key, first_name",
    }
    facts = {
        entity: query(connection, f"SELECT {columns} FROM read_parquet('{folder}/facts/{entity}.parquet') ORDER BY ALL")
        for entity, columns in wanted.items()
    }
    return summary, facts


def test_a_blank_cell_means_the_last_one_written_in_its_group_and_never_that_of_another(tmp_path: Path) -> None:
    _, facts = read(tmp_path, ORDERS, source())
    assert facts["orders"] == [("shop:A1", "shop:ann"), ("shop:B2", "shop:bob"), ("shop:C3", None)]


def test_without_fill_down_a_blank_cell_is_blank(tmp_path: Path) -> None:
    _, facts = read(tmp_path, ORDERS, source(format={}))
    assert ("shop:A1", None) in facts["orders"]


def test_a_further_mapping_makes_rows_of_those_that_it_means_and_counts_apart(tmp_path: Path) -> None:
    summary, facts = read(tmp_path, ORDERS, source())
    assert (summary.row_count, summary.rejected_count, summary.unread) == (5, 0, {})
    assert [row for row in facts["order_lines"] if row[1] < 0] == [("shop:B2/refund", pytest.approx(-1.5), 3)]
    assert sum(1 for row in facts["order_lines"] if row[1] > 0) == 5


def test_a_mapping_of_what_comes_along_may_mean_some_rows_only(tmp_path: Path) -> None:
    _, facts = read(tmp_path, ORDERS, source())
    assert facts["contacts"] == [("shop:bob", "bob")]


def test_what_a_mapping_does_not_mean_is_no_reason_to_refuse_a_row(tmp_path: Path) -> None:
    summary, _ = read(tmp_path, ORDERS.replace("9.00,", "9.00,none"), source())
    assert (summary.rejected_count, summary.unread) == (0, {})


def test_a_where_on_the_rows_of_the_file_itself_is_refused(tmp_path: Path) -> None:
    lines = [MAPS["order_lines"][0] | {"where": "sku = 'x'"}]
    with pytest.raises(ProjectError, match="every row of the file is one"):
        list(mapped_columns("shop", source(maps=MAPS | {"order_lines": lines}), tmp_path / "shop.yaml"))


def test_fill_down_of_a_column_that_is_not_declared_is_refused_with_the_nearest(tmp_path: Path) -> None:
    declared = source(format={"fill_down": {"by": "order", "columns": ["buyr"]}})
    with pytest.raises(ProjectError, match="did you mean buyer"):
        list(mapped_columns("shop", declared, tmp_path / "shop.yaml"))


def test_a_where_that_reads_an_undeclared_column_is_refused(tmp_path: Path) -> None:
    maps = MAPS | {"contacts": {"where": "buyr = 'bob'", "record_id": "buyer"}}
    with pytest.raises(ProjectError, match="did you mean buyer"):
        list(mapped_columns("shop", source(maps=maps), tmp_path / "shop.yaml"))

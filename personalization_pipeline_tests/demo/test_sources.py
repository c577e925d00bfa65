"""The demo project's sources fit the files that the world writes: same columns, and every expression reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from personalization_pipeline.demo.landing import DIALECTS
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.warehouse import Limits, query, scratch_connection
from personalization_pipeline.ingest.reading import read_file

SOURCES = Path(__file__).parents[2] / "personalization_pipeline" / "demo" / "project" / "sources"
NAMES = [dialect.source for dialect in DIALECTS]


def source(name: str) -> Source:
    return Source.model_validate(yaml.safe_load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_read_without_a_refused_row_or_an_unread_value(
    name: str, written_world: Path, tmp_path: Path
) -> None:
    files = sorted((written_world / "landing").glob(source(name).files))
    for number, path in enumerate(files[-2:]):
        summary = read_file(path, name, source(name), SOURCES / f"{name}.yaml", tmp_path / str(number), Limits())
        assert (summary.rejected_count, summary.unread) == (0, {})


def test_what_the_shop_sold_and_took_back_comes_out_of_its_export(written_world: Path, tmp_path: Path) -> None:
    """Sales, cancellations and refunds read from Shopify's lines against the totals that the same file states."""
    path = sorted((written_world / "landing" / "shopify_orders").iterdir())[-1]
    read_file(
        path, "shopify_orders", source("shopify_orders"), SOURCES / "shopify_orders.yaml", tmp_path / "facts", Limits()
    )
    connection = scratch_connection()
    found = query(
        connection,
        "SELECT line_kind, sum(amount) FROM (SELECT DISTINCT line_key, line_kind, amount FROM "
        f"read_parquet('{tmp_path}/facts/order_lines.parquet')) GROUP BY line_kind ORDER BY line_kind",
    )
    stated = query(
        connection,
        'SELECT sum(CAST("Subtotal" AS DECIMAL(18, 2))), '
        'sum(CAST("Subtotal" AS DECIMAL(18, 2))) FILTER ("Cancelled at" IS NOT NULL), '
        'sum(CAST("Refunded Amount" AS DECIMAL(18, 2))) FILTER ("Cancelled at" IS NULL) '
        f"FROM (SELECT DISTINCT * FROM read_csv('{path}', all_varchar = true))",
    )[0]
    sold, cancelled, refunded = (amount or 0 for amount in stated)
    expected = {"sale": sold, "cancellation": -cancelled, "refund": -refunded}
    assert dict(found) == {kind: amount for kind, amount in expected.items() if amount}

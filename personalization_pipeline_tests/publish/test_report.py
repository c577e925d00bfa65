"""Figures on the report's page, as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from personalization_pipeline.publish.report import _cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12345, "12,345"),
        (Decimal("-1234.50"), "-1,234.50"),
        (Decimal("500000.000000"), "500,000"),
        (Decimal("0.002100"), "0.0021"),
        (Decimal("0.000000"), "0"),
        (Decimal("1.5"), "1.5"),
        (None, ""),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_figure_is_as_long_as_it_says_something_and_money_has_two_places(value: object, shown: str) -> None:
    assert _cell(value) == shown

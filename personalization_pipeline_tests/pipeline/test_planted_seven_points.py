"""A shop of which only the seven data points are known, and nothing else: one source, one night, segments, RFM and an audience.

The shop is the old catalogue shop of the demo world, alone in a project of its own; what to expect is counted from its files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.foundation.warehouse import Connection, published_connection, query
from personalization_pipeline.starting import DEMO_PROJECT
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline.beside_truth import case

PROJECT = {
    "project.yaml": """
name: catalogue
description: A catalogue shop that knows seven things of a customer
time_zone: Europe/Berlin
currency: EUR
is_demo: true
as_of: 2026-07-01T02:00:00Z
holdout: {salt: seven-points, share: 0.1}
""",
    # Location, sex, payment method and articles; orders, their value and promotions are features of every project.
    "features/catalogue.sql": """
-- One row per customer: what the catalogue shop knows beside her orders.
-- feature
-- owner: team:shop
WITH payments AS (
    SELECT person_id, payment_method, count(*) AS payment_count
    FROM orders
    GROUP BY person_id, payment_method
), usual AS (
    SELECT person_id, arg_max(payment_method, payment_count * 1000 + ascii(payment_method)) AS usual_payment_method
    FROM payments
    GROUP BY person_id
), articles AS (
    SELECT person_id, count(DISTINCT product_id) AS article_count
    FROM order_lines
    WHERE line_kind = 'sale'
    GROUP BY person_id
), sexes AS (
    SELECT records.person_id, max(traits.value) AS sex
    FROM records
    JOIN traits ON traits.record_key = records.record_key AND traits.name = 'sex'
    GROUP BY records.person_id
)
SELECT people.person_id, people.city, sexes.sex, usual.usual_payment_method, articles.article_count
FROM people
LEFT JOIN sexes ON sexes.person_id = people.person_id
LEFT JOIN usual ON usual.person_id = people.person_id
LEFT JOIN articles ON articles.person_id = people.person_id
""",
    "segments/women_with_a_taste.yaml": """
description: Women who bought five different things or more
owner: team:shop
where: sex = 'f' and article_count >= 5 and city is not null and usual_payment_method is not null
""",
    "audiences/come_back.yaml": """
description: Women with a taste whom nobody saw for a month
use_case: retention
goal: a second look into the catalogue
kpi: an order within 60 days
owner: team:shop
where: in_segment('women_with_a_taste') and order_count >= 2 and mean_order_value_amount > 10 and days_since_last_order > 30
destinations: [buyers_desk, letters]
""",
    # Looking at them is what the shop's terms allow ...
    "destinations/buyers_desk.yaml": """
description: The shop's own buyers, who see whose taste they are to meet
format: generic_csv
addresses: [record]
consents: [{purpose: profiling, channel: any}]
columns: {customer_no: external_id}
""",
    # ... writing to them is not.
    "destinations/letters.yaml": """
description: The printer of letters
format: generic_csv
addresses: [record]
consents: [{purpose: marketing, channel: post}]
columns: {customer_no: external_id}
""",
}


@pytest.fixture(scope="module")
def shop(demo_night: Path, night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after its one night."""
    folder = tmp_path_factory.mktemp("catalogue") / "shop"
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    (folder / "sources").mkdir()
    shutil.copy(DEMO_PROJECT / "sources" / "seven_points.yaml", folder / "sources")
    shutil.copytree(demo_night / "landing" / "seven_points", folder / "landing" / "seven_points")
    code, said = night(folder)
    assert code == 0, said
    return folder


@pytest.fixture(scope="module")
def sql(shop: Path) -> Iterator[Connection]:
    with closing(published_connection(shop / "store" / "current", private=True)) as connection:
        yield connection


@pytest.fixture(scope="module")
def landed(shop: Path) -> pl.DataFrame:
    """The lines as they were landed: five years of sales, returns and cancellations."""
    lines = pl.concat(
        [pl.read_csv(path, infer_schema=False) for path in sorted((shop / "landing" / "seven_points").glob("*.csv"))]
    )
    return lines.with_columns(
        cents=(pl.col("amount").cast(pl.Decimal(18, 2)) * 100).cast(pl.Int64),
        day=pl.col("booked_on").str.to_date(),
    )


@case("seven_shopper")
def test_what_every_customer_paid_is_what_the_files_say_less_what_went_back(
    sql: Connection, landed: pl.DataFrame
) -> None:
    """R9: order frequency and value, over five years."""
    sold = landed.filter(pl.col("status") == "sale")
    expected = {
        customer: (orders, cents)
        for customer, orders, cents in landed.group_by("customer_no")
        .agg(pl.col("order_no").filter(pl.col("status") == "sale").n_unique(), pl.col("cents").sum())
        .iter_rows()
    }
    found = query(
        sql,
        """SELECT people.external_id, order_count, CAST(order_value_amount * 100 AS BIGINT)
        FROM profiles JOIN people USING (person_id)""",
    )
    assert {customer: (orders, cents) for customer, orders, cents in found} == expected
    assert set(landed["status"]) == {"sale", "return", "cancellation"}
    assert sold["cents"].sum() > landed["cents"].sum()
    assert min(landed["day"].to_list()) < date(2021, 8, 1)


def test_no_two_customers_are_taken_for_one(sql: Connection, landed: pl.DataFrame) -> None:
    """R9, R20: a city and a sex are no evidence."""
    assert query(sql, "SELECT count(*) FROM people") == [(landed["customer_no"].n_unique(),)]


def test_every_customer_has_an_rfm_segment(sql: Connection, landed: pl.DataFrame) -> None:
    """R9: who bought last is not behind anybody in recency, who ordered most not in frequency."""
    found = query(
        sql, "SELECT external_id, recency_score, frequency_score, rfm_segment FROM rfm JOIN people USING (person_id)"
    )
    scores = {customer: (recency, frequency) for customer, recency, frequency, _ in found}
    assert scores.keys() == set(landed["customer_no"])
    assert all(segment for *_, segment in found)
    sold = landed.filter(pl.col("status") == "sale").group_by("customer_no")
    latest = sold.agg(pl.col("day").max()).sort("day")["customer_no"][-1]
    busiest = sold.agg(pl.col("order_no").n_unique()).sort("order_no")["customer_no"][-1]
    assert scores[latest][0] == max(recency for recency, _ in scores.values()) == 5
    assert scores[busiest][1] == 5


def test_the_share_that_promotions_took_off_is_known(sql: Connection, landed: pl.DataFrame) -> None:
    """R9: promotions used."""
    sold = landed.filter(pl.col("status") == "sale").with_columns(
        off=(pl.col("promotion").cast(pl.Decimal(18, 2)) * 100).cast(pl.Int64)
    )
    expected = {
        customer: off / (off + paid)
        for customer, off, paid in sold.group_by("customer_no")
        .agg(pl.col("off").sum(), pl.col("cents").sum())
        .iter_rows()
    }
    found = dict(query(sql, "SELECT external_id, discount_share FROM profiles JOIN people USING (person_id)"))
    assert {customer: float(share) for customer, share in found.items()} == pytest.approx(expected, abs=0.00005)
    assert max(expected.values()) > 0.05


def test_the_segment_and_the_audience_are_who_the_files_say(shop: Path, sql: Connection, landed: pl.DataFrame) -> None:
    """R9: by sex, articles, place and payment; the desk's file holds them all but the held-out ones, and verifies."""
    sold = landed.filter(pl.col("status") == "sale").group_by("customer_no", "sex")
    taste = sold.agg(pl.col("article").n_unique(), pl.col("order_no").n_unique(), pl.col("day").max()).filter(
        (pl.col("sex") == "f") & (pl.col("article") >= 5)
    )
    members = query(sql, "SELECT external_id FROM segment_members JOIN people USING (person_id)")
    assert {customer for (customer,) in members} == set(taste["customer_no"])
    assert 0 < len(members) < landed["customer_no"].n_unique()
    outcomes = query(
        sql,
        """SELECT external_id, outcome FROM audience_waterfall JOIN people USING (person_id)
        WHERE destination = 'buyers_desk'""",
    )
    away = taste.filter((pl.col("order_no") >= 2) & (pl.col("day") < date(2026, 6, 1)))
    assert {customer for customer, _ in outcomes} == set(away["customer_no"])
    [file] = sorted((shop / "store" / "delivered").rglob("*.csv"))
    assert verify(file)
    assert set(pl.read_csv(file)["customer_no"]) == {
        customer for customer, outcome in outcomes if outcome == "delivered"
    }
    assert {outcome for _, outcome in outcomes} <= {"delivered", "holdout"}


def test_nobody_is_written_to_on_the_strength_of_a_word_about_profiling(sql: Connection) -> None:
    """R25: the shop's terms say nothing of letters, and what is absent is no."""
    assert query(sql, "SELECT DISTINCT outcome FROM audience_waterfall WHERE destination = 'letters'") == [
        ("no_consent",)
    ]

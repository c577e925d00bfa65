"""Who will not buy again within a horizon: a logistic regression on snapshots of the past, against recency alone.

Belongs here: the choice of snapshot dates, the fit with its card, and the scores as SQL. Does not belong here: the
SELECT that builds a snapshot, files, and what is done about a customer who may leave.

A snapshot is one row per person who bought in the last year (or another stated number of days) before its date t0:
whoever is long gone is easy to tell and would flatter the model. Its columns, all as known at the end of day t0, so no
later refund or correction:

    snapshot_on               DATE     t0
    person_id                 VARCHAR
    days_since_last_order     days     t0 minus the day of the last order; the baseline, never NULL
    order_count               orders   until t0, at least 1
    days_since_first_order    days     t0 minus the day of the first order
    mean_days_between_orders  days     from an order to the next; NULL with one order
    order_value_amount        money    of all orders until t0
    mean_order_value_amount   money    the same per order
    discount_share            0 to 1   discounts / (amount + discounts); NULL where discounts are not recorded
    orders_last_90_days       orders   in (t0 - 90 days, t0]
    is_churned                BOOLEAN  no order in (t0, t0 + horizon]; only for the fit

Other features work alike. How a value enters is in scoring.py; NULL counts as the mean of the known, with a weight of
its own for being unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from personalization_pipeline.analyze.scoring import (
    NO_SCORE,
    NOT_READY,
    READY,
    LogOdds,
    Term,
    Vector,
    entered,
    probability,
    six_digits,
)

FEATURES = (
    "days_since_last_order",
    "order_count",
    "days_since_first_order",
    "mean_days_between_orders",
    "order_value_amount",
    "mean_order_value_amount",
    "discount_share",
    "orders_last_90_days",
)
BASELINE = ("days_since_last_order",)
DAYS_BETWEEN_SNAPSHOTS = 30
TEST_WINDOWS = 3
MIN_TRAINING_PEOPLE = 200  # of each class, every person once
MIN_TEST_PEOPLE = 50  # of each class
MIN_AUC_GAIN = 0.005  # less is noise, and recency alone is easier to explain
MAX_CREDIBLE_AUC = 0.85  # honest models of shops without contracts reach 0.62 to 0.78


@dataclass(frozen=True)
class Window:
    """How model and baseline, knowing only what had happened by `snapshot_on`, did in the horizon after it. AUC: of a
    churner and a stayer, how often the churner scores higher. Brier: mean squared error. ECE: mean distance between
    probability and share of churners over ten equal bins of probability."""

    snapshot_on: str
    people: int
    churn_share: float
    auc_model: float
    auc_baseline: float
    brier_model: float
    brier_baseline: float
    ece_model: float
    ece_baseline: float


@dataclass(frozen=True)
class ChurnModel:
    """The artefact: coefficients and card. Not ready means no coefficients, and scores that are NULL."""

    status: str
    verdict: str  # in words: why it is not ready, or which of model and baseline is used and why
    horizon_days: int
    log_odds: LogOdds | None = None
    is_better_than_baseline: bool = False
    is_recalibrated: bool = False
    is_leakage_suspected: bool = False
    windows: tuple[Window, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "windows": [asdict(window) for window in self.windows]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ChurnModel:
        log_odds = stored["log_odds"]
        if log_odds is not None:
            log_odds = LogOdds(log_odds["intercept"], {name: Term(**term) for name, term in log_odds["terms"].items()})
        windows = tuple(Window(**window) for window in stored["windows"])
        return cls(**{**stored, "log_odds": log_odds, "windows": windows})


def snapshot_dates(first_on: date, last_on: date, horizon_days: int, count: int) -> list[date]:
    """Up to `count` dates t0, ascending, 30 days apart, the newest `horizon_days` before `last_on` (the last whole day
    of data), so that each label is complete, and none in the first `horizon_days` of the data, where everybody looks
    new."""
    horizon = timedelta(days=horizon_days)
    dates = (last_on - horizon - timedelta(days=DAYS_BETWEEN_SNAPSHOTS * k) for k in range(count))
    return sorted(day for day in dates if day >= first_on + horizon)


def fit_churn(snapshots: pl.DataFrame, feature_names: Iterable[str], *, horizon_days: int) -> ChurnModel:
    """Fit on labelled snapshots (columns above) and judge on the newest of them, up to three.

    For each test window the model is trained on the snapshots whose labels were complete on its date; the final
    coefficients come from all snapshots. Seasons shift the share of churners more than their order, so the intercept is
    moved to fit the newest snapshot, if that lowered the Brier score over the test windows."""
    from threadpoolctl import threadpool_limits

    rows = snapshots.sort("snapshot_on", "person_id")
    splits = _splits(rows, timedelta(days=horizon_days))
    if not splits:
        return ChurnModel(NOT_READY, _why_not(rows, horizon_days), horizon_days)
    names = sorted(set(feature_names))
    with threadpool_limits(1):  # sums in another order end in other digits
        by_model, is_model_moved = _predictions(splits, names)
        by_baseline, is_baseline_moved = _predictions(splits, BASELINE)
        windows = tuple(
            _window(test, model, baseline)
            for (_, test), model, baseline in zip(splits, by_model, by_baseline, strict=True)
        )
        auc_model = float(np.mean([window.auc_model for window in windows]))
        auc_baseline = float(np.mean([window.auc_baseline for window in windows]))
        is_better = auc_model - auc_baseline >= MIN_AUC_GAIN
        is_moved = is_model_moved if is_better else is_baseline_moved
        final = _logistic(rows, names if is_better else BASELINE)
        final = _moved(final, _newest(rows)) if is_moved else final
    is_leakage_suspected = max(auc_model, auc_baseline) > MAX_CREDIBLE_AUC
    figures = f"AUC {auc_model:.3f} against {auc_baseline:.3f}, mean of {len(windows)} test windows"
    verdict = f"beats recency alone ({figures})"
    if not is_better:
        verdict = f"recency alone is used, all features together do not beat it ({figures})"
    if is_leakage_suspected:
        verdict += f"; an AUC above {MAX_CREDIBLE_AUC} suggests that a feature knows the future"
    return ChurnModel(READY, verdict, horizon_days, final, is_better, is_moved, is_leakage_suspected, windows)


def churn_sql(model: ChurnModel) -> str:
    """P(no order within the horizon), over the feature columns; NULL while there is no model."""
    return model.log_odds.probability_sql() if model.log_odds else NO_SCORE


def reason_sql(model: ChurnModel) -> str:
    """The feature, in words, that speaks most for churn compared with the average person; NULL if none does."""
    return model.log_odds.reason_sql() if model.log_odds else "CAST(NULL AS VARCHAR)"


def _splits(rows: pl.DataFrame, horizon: timedelta) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """The newest snapshots that can be tests, ascending, each after all that was known by then."""
    splits = []
    for t0 in rows["snapshot_on"].unique().sort(descending=True):
        known = rows.filter(pl.col("snapshot_on") + horizon <= t0)
        test = rows.filter(pl.col("snapshot_on") == t0)
        if _people(known) >= MIN_TRAINING_PEOPLE and _people(test) >= MIN_TEST_PEOPLE:
            splits.append((known, test))
    return splits[:TEST_WINDOWS][::-1]


def _people(rows: pl.DataFrame) -> int:
    """People in the smaller class, every person once."""
    return min(rows.filter(pl.col("is_churned") == churned)["person_id"].n_unique() for churned in (True, False))


def _why_not(rows: pl.DataFrame, horizon_days: int) -> str:
    days = rows["snapshot_on"].unique().sort().to_list()
    if not days or days[-1] - days[0] < timedelta(days=horizon_days):
        return f"no snapshot is {horizon_days} days older than another one, so none could be learned from before a test"
    return (
        f"too few people: {MIN_TRAINING_PEOPLE} who left and {MIN_TRAINING_PEOPLE} who stayed are needed before a test "
        f"window, {MIN_TEST_PEOPLE} of each in it"
    )


def _predictions(
    splits: Sequence[tuple[pl.DataFrame, pl.DataFrame]], names: Sequence[str]
) -> tuple[list[Vector], bool]:
    """Probabilities per test window, and whether they are better (and therefore those) with the intercept moved."""
    fits = [(_logistic(known, names), known, test) for known, test in splits]
    plain = [probability(fit.of(test)) for fit, _, test in fits]
    moved = [probability(_moved(fit, _newest(known)).of(test)) for fit, known, test in fits]
    briers = [np.mean([_brier(test, p) for (_, test), p in zip(splits, ps, strict=True)]) for ps in (plain, moved)]
    is_moved = bool(briers[1] < briers[0])
    return (moved if is_moved else plain), is_moved


def _logistic(rows: pl.DataFrame, names: Sequence[str]) -> LogOdds:
    """Regression on standardised columns, two per feature (value, is unknown), told in the feature's own units."""
    from sklearn.linear_model import LogisticRegression

    values = np.column_stack([entered(rows, name) for name in names])
    unknown = np.isnan(values)
    means = np.where(unknown, 0.0, values).sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1)
    centred = np.hstack([np.where(unknown, 0.0, values - means), unknown - unknown.mean(axis=0)])
    spread = centred.std(axis=0)
    spread[spread < 1e-9] = 1.0  # a constant column, which gets no weight
    fit = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=200)
    fit.fit(centred / spread, rows["is_churned"].to_numpy())
    slopes, flags = np.split(fit.coef_[0] / spread, 2)
    shares = unknown.mean(axis=0)
    terms = {
        name: Term(*map(six_digits, (flag * (1 - share), -slope * mean - flag * share, slope)))
        for name, slope, flag, mean, share in zip(names, slopes, flags, means, shares, strict=True)
    }
    return LogOdds(six_digits(fit.intercept_[0]), terms)


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("snapshot_on") == pl.col("snapshot_on").max())


def _moved(fit: LogOdds, rows: pl.DataFrame) -> LogOdds:
    """The same with the intercept at which the mean probability is the share of churners in `rows`, which is kept half
    a person off 0 and 1."""
    from scipy.optimize import brentq

    log_odds, share = fit.of(rows), np.clip(_labels(rows).mean(), 0.5 / len(rows), 1 - 0.5 / len(rows))
    shift = brentq(lambda shift: probability(log_odds + shift).mean() - share, -50, 50, xtol=1e-12)
    return replace(fit, intercept=six_digits(fit.intercept + shift))


def _window(test: pl.DataFrame, model: Vector, baseline: Vector) -> Window:
    from sklearn.metrics import roc_auc_score

    labels = _labels(test)
    figures = (
        labels.mean(),
        *(roc_auc_score(labels, p) for p in (model, baseline)),
        *(_brier(test, p) for p in (model, baseline)),
        *(_ece(labels, p) for p in (model, baseline)),
    )
    return Window(test["snapshot_on"][0].isoformat(), len(test), *(round(float(figure), 4) for figure in figures))


def _labels(rows: pl.DataFrame) -> Vector:
    return rows["is_churned"].cast(pl.Float64).to_numpy()


def _brier(rows: pl.DataFrame, predicted: Vector) -> float:
    return float(np.mean((_labels(rows) - predicted) ** 2))


def _ece(labels: Vector, predicted: Vector) -> float:
    bins = np.minimum((predicted * 10).astype(int), 9)
    gaps = np.bincount(bins, labels - predicted, 10)
    return float(np.abs(gaps).sum() / len(labels))

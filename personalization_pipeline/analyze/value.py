"""What a customer will buy: BG/NBD for the number of purchases, Gamma-Gamma for their mean amount.

Belongs here: fitting both in Python, and their scores as SQL expressions over the stored parameters. Does not belong
here: the SELECTs that make a customer's summary or keep the scores, files, and the judgement of a fit against a baseline.

Sources: Fader, Hardie & Lee, "Counting Your Customers" the Easy Way (Marketing Science 24, 2005) for BG/NBD; Fader &
Hardie, The Gamma-Gamma Model of Monetary Value (note 025, 2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
import polars as pl

from personalization_pipeline.analyze.scoring import NO_SCORE, NOT_READY, READY, Vector, double_sql, six_digits

MIN_REPEAT_CUSTOMERS = 100  # four numbers about how people come back need people who came back

# parameters and grouped customers -> mean log-likelihood of a customer, its gradient
Likelihood = Callable[[Vector, pl.DataFrame], tuple[float, Vector]]
Box = dict[str, tuple[float, float]]  # parameter -> smallest and largest value
Starts = Sequence[tuple[float, ...]]


@dataclass(frozen=True)
class FittedModel:
    """The artefact of a fit: small, rounded, JSON-able. Not ready means no parameters, and scores that are NULL."""

    status: str
    verdict: str = ""  # in words: why it is not ready
    parameters: dict[str, float] = field(default_factory=dict)
    log_likelihood: float | None = None
    customers: int = 0
    repeat_customers: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**stored)


@dataclass(frozen=True)
class BgNbd(FittedModel):
    """r, alpha (weeks), a, b: while active a customer buys at a Poisson rate, rates are Gamma(r, alpha) over customers;
    after every purchase she stays away for good with a probability that is Beta(a, b) over customers."""


@dataclass(frozen=True)
class GammaGamma(FittedModel):
    """p, q, gamma (money): a customer's amounts are Gamma(p, v), v is Gamma(q, gamma) over customers, whatever their
    number. q > 1, so that the mean over customers exists."""


Model = TypeVar("Model", bound=FittedModel)


def fit_bgnbd(summary: pl.DataFrame) -> BgNbd:
    """Maximum likelihood over rows of x (repeat purchase days), t_x and t (recency and age at the cut in weeks, t_x <=
    t), and n (customers sharing the row). Equal rows are taken together here: neither their grouping nor their order
    changes the result."""
    rows = _grouped(summary, ["x", "t_x", "t"])
    weeks = _mean(rows, "t")
    # The box keeps a fit out of corners that no data can tell apart; inside it the SQL below is exact to 1e-6.
    box = {"r": (1e-3, 50.0), "alpha": (1e-3, 1e5), "a": (0.05, 10.0), "b": (0.1, 100.0)}
    starts = [(1.0, weeks, 1.0, 2.0), (0.2, weeks / 5, 0.5, 5.0), (3.0, weeks * 3, 2.0, 10.0)]
    return _fit(BgNbd, _bgnbd_likelihood, rows, box, starts)


def fit_gamma_gamma(spend: pl.DataFrame) -> GammaGamma:
    """Maximum likelihood over rows of x (repeat purchases), mean_amount of these, and n (customers sharing the row).
    Customers without a repeat purchase, or whose repeat purchases cost nothing, say nothing about amounts and are left
    out."""
    rows = _grouped(spend, ["x", "mean_amount"]).filter(pl.col("x") > 0, pl.col("mean_amount") > 0)
    mean = _mean(rows, "mean_amount")
    box = {"p": (1e-2, 1e3), "q": (1.001, 1e3), "gamma": (mean * 1e-3, mean * 1e4)}
    starts = [(2.0, 3.0, mean), (10.0, 2.0, mean / 5), (1.0, 10.0, mean * 10)]
    return _fit(GammaGamma, _gamma_gamma_likelihood, rows, box, starts)


def log_likelihood(model: BgNbd, summary: pl.DataFrame) -> float:
    """The log-likelihood of any customers (columns as in `fit_bgnbd`) under a model that is ready: also of a later
    cut."""
    rows = _grouped(summary, ["x", "t_x", "t"])
    theta = np.array([model.parameters[name] for name in ("r", "alpha", "a", "b")])
    return _bgnbd_likelihood(theta, rows)[0] * float(rows["n"].sum())


def alive_sql(model: BgNbd) -> str:
    """P(still a customer) over columns x, t_x, t. Written with tanh, which no customer can overflow."""
    if model.status == NOT_READY:
        return NO_SCORE
    return f"round({_alive(model)}, 6)"


def expected_purchases_sql(model: BgNbd, while_alive: str) -> str:
    """Purchases expected over a horizon, over columns x, t_x, t, and `while_alive`: `expected_while_alive_sql` for that
    horizon, or the column where it was worked out before.

    With x = t_x = t = 0 it is what a new customer does, which is what a tracking plot sums."""
    if model.status == NOT_READY:
        return NO_SCORE
    return f"round({_alive(model)} * {while_alive}, 6)"


def expected_while_alive_sql(model: BgNbd, horizon_weeks: float | str) -> str:
    """Purchases expected in the next `horizon_weeks` (a number, or the name of a column) if she still is a customer, not
    rounded, over columns x and t.

    The paper's formula has a Gaussian 2F1 that is 0/0 at a = 1 and at a + b + x = 1 and overflows for large x. Its
    origin has neither trouble: a customer with drop-out probability p will buy (1 - (1 + p w)^-(r + x)) / p times, w =
    horizon / (alpha + t), averaged over p ~ Beta(a, b + x). The average is a trapezoid sum over s = ln((b + x) p / (1 -
    p)), whose nodes do not depend on the customer. Relative error below 1e-6 within the box of `fit_bgnbd`, for x <=
    500 and horizon / (alpha + t + horizon) <= 0.999. atanh and tanh stand for log1p and expm1, which DuckDB does not
    have: small p would lose its digits.

    This is the costly part of the score. It knows only x and t, so among many people evaluate it once per distinct
    pair.
    """
    if model.status == NOT_READY:
        return NO_SCORE
    r, alpha, a, b = (double_sql(model.parameters[name]) for name in ("r", "alpha", "a", "b"))
    horizon = horizon_weeks if isinstance(horizon_weeks, str) else double_sql(horizon_weeks)
    nodes = ", ".join(f"{{'odds': {odds:.15e}, 'log_weight': {log:.15e}}}" for odds, log in _nodes(model.parameters))
    inverse_p = f"(1 + ({b} + x) / k.odds)"
    bought = f"2 / (1 + 1 / tanh(({r} + x) * atanh(1 / (1 + 2 * ({alpha} + t) / {horizon} * {inverse_p}))))"
    density = f"exp(k.log_weight - ({a} + {b} + x) * ln(1 + k.odds / ({b} + x)))"
    scale = f"exp(lgamma({a} + {b} + x) - lgamma({b} + x) - {a} * ln({b} + x))"
    return f"{scale} * list_sum(list_transform([{nodes}], lambda k: {density} * {bought} * {inverse_p}))"


def mean_amount_sql(model: GammaGamma) -> str:
    """Mean amount of a future purchase, as money, over columns x and mean_amount: between the customer's own mean and
    that of all customers, nearer to her own the more she bought. Without a paid repeat purchase it is that of all
    customers."""
    if model.status == NOT_READY:
        return "CAST(NULL AS DECIMAL(18, 2))"
    p, q, gamma = (double_sql(model.parameters[name]) for name in ("p", "q", "gamma"))
    own = f"{p} * ({gamma} + x * CAST(mean_amount AS DOUBLE)) / ({p} * x + {q} - 1)"
    everybody = f"{p} * {gamma} / ({q} - 1)"
    return f"CAST(CASE WHEN x > 0 AND mean_amount > 0 THEN {own} ELSE {everybody} END AS DECIMAL(18, 2))"


def _alive(model: BgNbd) -> str:
    r, alpha, a, b = (double_sql(model.parameters[name]) for name in ("r", "alpha", "a", "b"))
    log_odds_of_gone = f"(ln({a} / ({b} + x - 1)) + ({r} + x) * ln(({alpha} + t) / ({alpha} + t_x)))"
    return f"CASE WHEN x = 0 THEN 1 ELSE 0.5e0 - 0.5e0 * tanh(0.5e0 * {log_odds_of_gone}) END"


def _nodes(parameters: Mapping[str, float]) -> list[tuple[float, float]]:
    """Odds and log-weights of the trapezoid sum: dense where Beta(a, b + x) has its mass, stretched by sinh into its
    tails, which are cut where they hold less than about 1e-8. Step and stretch were chosen by measurement over the
    box."""
    a, b = parameters["a"], parameters["b"]
    step, stretch, cut = 0.08, 2.5, math.log(1e8)
    left, right = math.asinh((cut / a + 3) / stretch), math.asinh((cut / b + 6) / stretch)
    nodes = []
    for i in range(-math.ceil(left / step), math.ceil(right / step) + 1):
        s = math.log(a) - 1.5 + stretch * math.sinh(i * step)
        nodes.append((math.exp(s), a * s - math.lgamma(a) + math.log(step * stretch * math.cosh(i * step))))
    return nodes


def _fit(kind: type[Model], likelihood: Likelihood, rows: pl.DataFrame, box: Box, starts: Starts) -> Model:
    repeat_customers = int(rows.filter(pl.col("x") > 0)["n"].sum())
    card: dict[str, Any] = {"customers": int(rows["n"].sum()), "repeat_customers": repeat_customers}
    if repeat_customers < MIN_REPEAT_CUSTOMERS:
        verdict = f"{repeat_customers} customers came back, at least {MIN_REPEAT_CUSTOMERS} are needed"
        return kind(NOT_READY, verdict, **card)
    top = _maximum(likelihood, rows, box, starts)
    if top is None:
        return kind(NOT_READY, "the fit did not converge", **card)
    theta = np.array([six_digits(value) for value in top])
    parameters = dict(zip(box, theta.tolist(), strict=True))
    return kind(READY, "", parameters, round(likelihood(theta, rows)[0] * card["customers"], 4), **card)


def _maximum(likelihood: Likelihood, rows: pl.DataFrame, box: Box, starts: Starts) -> Vector | None:
    """The parameters in the box with the largest likelihood, from the first start whose slope vanishes; None if none
    does.

    The Gamma-Gamma likelihood is so flat that usual tolerances stop 1 % away; it is the slope that says where the top
    is."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def descent(logs: Vector) -> tuple[float, Vector]:
        value, slope = likelihood(np.exp(logs), rows)
        return -value, -slope * np.exp(logs)

    bounds = [(math.log(low), math.log(high)) for low, high in box.values()]
    tight = {"ftol": 1e-16, "gtol": 1e-10, "maxiter": 2000, "maxcor": 20}
    for start in starts:
        with threadpool_limits(1):  # the same digits everywhere, and threads only slow four numbers down
            end = minimize(descent, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=tight)
        lows, highs = np.array(bounds).T
        slope_inside = end.x - np.clip(end.x - end.jac, lows, highs)
        if np.abs(slope_inside).max() < 1e-6:
            return np.array(np.exp(end.x))
    return None


def _bgnbd_likelihood(theta: Vector, rows: pl.DataFrame) -> tuple[float, Vector]:
    from scipy.special import gammaln, psi

    (r, alpha, a, b), (x, t_x, t, n) = theta, _columns(rows, "x", "t_x", "t", "n")
    log_active = -(r + x) * np.log(alpha + t)
    log_gone = np.where(x > 0, np.log(a / (b + np.maximum(x, 1) - 1)) - (r + x) * np.log(alpha + t_x), -np.inf)
    log_both = np.logaddexp(log_active, log_gone)
    active, gone = np.exp(log_active - log_both), np.exp(log_gone - log_both)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + log_both
    value += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    slope = [
        psi(r + x) - psi(r) + np.log(alpha) - active * np.log(alpha + t) - gone * np.log(alpha + t_x),
        r / alpha - (r + x) * (active / (alpha + t) + gone / (alpha + t_x)),
        psi(a + b) - psi(a + b + x) + gone / a,
        psi(a + b) + psi(b + x) - psi(b) - psi(a + b + x) - gone / (b + np.maximum(x, 1) - 1),
    ]
    return _means(value, slope, n)


def _gamma_gamma_likelihood(theta: Vector, rows: pl.DataFrame) -> tuple[float, Vector]:
    from scipy.special import gammaln, psi

    (p, q, gamma), (x, mean, n) = theta, _columns(rows, "x", "mean_amount", "n")
    shape, rate = p * x + q, np.log(gamma + x * mean)
    value = gammaln(shape) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
    value += (p * x - 1) * np.log(mean) + p * x * np.log(x) - shape * rate
    slope = [
        x * (psi(shape) - psi(p * x) + np.log(mean) + np.log(x) - rate),
        psi(shape) - psi(q) + np.log(gamma) - rate,
        q / gamma - shape / (gamma + x * mean),
    ]
    return _means(value, slope, n)


def _columns(rows: pl.DataFrame, *names: str) -> tuple[Vector, ...]:
    return tuple(rows[name].to_numpy() for name in names)


def _means(value: Vector, slope: list[Vector], n: Vector) -> tuple[float, Vector]:
    """Means over customers; numpy's own sums, whose order of addition does not depend on threads."""
    return float((value * n).sum() / n.sum()), np.array([(part * n).sum() / n.sum() for part in slope])


def _mean(rows: pl.DataFrame, column: str) -> float:
    values, n = _columns(rows, column, "n")
    return float((values * n).sum() / n.sum()) if len(n) else math.nan


def _grouped(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row per distinct key, sorted: then the last digit of a sum is the data's own, not that of the order of
    rows."""
    numbers = frame.select(pl.col(*keys, "n").cast(pl.Float64))
    return numbers.group_by(keys).agg(pl.col("n").sum()).sort(keys)

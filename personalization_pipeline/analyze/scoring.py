"""How stored numbers become scores: rounding, literals, and the additive log-odds of a logistic regression.

Does not belong here: a model's meaning, its fit and its card; each model has a module of its own. Stored numbers have six
significant digits: enough for every score, and a refit on another machine, whose arithmetic differs in the last bits,
still gives the same text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

READY, NOT_READY = "ready", "not ready"
NO_SCORE = "CAST(NULL AS DOUBLE)"

Vector = NDArray[np.float64]


def six_digits(value: float) -> float:
    """`value` rounded to six significant digits; minus zero is zero."""
    return float(f"{value:.6g}") + 0.0


def double_sql(value: float) -> str:
    """A DOUBLE literal. The exponent is always written: DuckDB reads `0.5` as DECIMAL, `0.5e0` as DOUBLE."""
    text = repr(float(value))
    return f"({text if 'e' in text else text + 'e0'})"


@dataclass(frozen=True)
class Term:
    """What one feature adds to the log-odds, 0 on average over the people it was fitted on: `missing` where the feature
    is NULL, otherwise constant + slope * entered value."""

    missing: float
    constant: float
    slope: float


@dataclass(frozen=True)
class LogOdds:
    """Log-odds = intercept + one term per feature; the same sum in Python, for judging, and in SQL, for scoring."""

    intercept: float
    terms: dict[str, Term]

    def of(self, people: pl.DataFrame) -> Vector:
        total = np.full(len(people), self.intercept)
        for name, term in self.terms.items():
            value = entered(people, name)
            total += np.where(np.isnan(value), term.missing, term.constant + term.slope * np.nan_to_num(value))
        return total

    def probability_sql(self) -> str:
        """The probability, over the feature columns. Written with tanh, which cannot overflow."""
        total = " + ".join([double_sql(self.intercept), *(_term_sql(name, term) for name, term in self.terms.items())])
        return f"round(0.5e0 + 0.5e0 * tanh(0.5e0 * ({total})), 6)"

    def reason_sql(self) -> str:
        """The name, in words, of the feature that raises a person's odds most above the average; the first by name if
        several do equally, NULL if none does."""
        pulls = (
            (f"round({_term_sql(name, term)}, 9)", name.replace("_", " ")) for name, term in sorted(self.terms.items())
        )
        raising = ", ".join(
            f"CASE WHEN {pull} > 0 THEN {{'relief': -{pull}, 'name': '{name}'}} END" for pull, name in pulls
        )
        return f"struct_extract(list_min([{raising}]), 'name')"


def probability(log_odds: Vector) -> Vector:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * log_odds))


def entered(people: pl.DataFrame, name: str) -> Vector:
    """A feature as it enters the sum: a share as it is, all else as ln(1 + x), because counts, days and money are
    skewed, and negative x as 0. NULL is nan."""
    value = people[name].cast(pl.Float64).to_numpy()
    return value if name.endswith("_share") else np.log1p(np.maximum(value, 0.0))


def _term_sql(name: str, term: Term) -> str:
    value = f'CAST("{name}" AS DOUBLE)'
    value = value if name.endswith("_share") else f"ln(1 + greatest({value}, 0))"
    known = f"{double_sql(term.constant)} + {double_sql(term.slope)} * {value}"
    return f'(CASE WHEN "{name}" IS NULL THEN {double_sql(term.missing)} ELSE {known} END)'

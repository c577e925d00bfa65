"""The Python steps of phase analyze: fitting the score models where there are none, their cards, and their SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import polars as pl

from personalization_pipeline.analyze.churn import (
    FEATURES,
    ChurnModel,
    churn_sql,
    fit_churn,
    reason_sql,
    snapshot_dates,
)
from personalization_pipeline.analyze.value import (
    BgNbd,
    GammaGamma,
    alive_sql,
    expected_purchases_sql,
    expected_while_alive_sql,
    fit_bgnbd,
    fit_gamma_gamma,
    mean_amount_sql,
)
from personalization_pipeline.foundation.artefacts import artefact
from personalization_pipeline.foundation.building import Building, prepare
from personalization_pipeline.foundation.clock import read_as_of
from personalization_pipeline.foundation.phases import Computed, Phase, Slots
from personalization_pipeline.foundation.warehouse import frame, query

VALUE_WEEKS = 52
SNAPSHOTS = 8
ACTIVE_DAYS = 365
CARDS = {"model": "VARCHAR", "status": "VARCHAR", "summary": "VARCHAR", "figures": "VARCHAR"}


def _models(building: Building) -> dict[str, Any]:
    """The score artefact of this night: three models as plain data."""
    if building.is_rehearsal:
        return {"bgnbd": BgNbd("not ready").to_dict(), "gamma_gamma": GammaGamma("not ready").to_dict(), "churn": None}
    return artefact(building, "scores", lambda: _fit(building))


def _fit(building: Building) -> dict[str, Any]:
    summaries = frame(
        building.connection,
        "SELECT x, t_x, t, mean_amount, count(*) AS n FROM purchase_summaries GROUP BY ALL ORDER BY ALL",
    )
    horizon = building.project.settings.churn_horizon_days
    snapshots = _snapshots(building, horizon)
    return {
        "bgnbd": fit_bgnbd(summaries).to_dict(),
        "gamma_gamma": fit_gamma_gamma(summaries).to_dict(),
        "churn": fit_churn(snapshots, FEATURES, horizon_days=horizon).to_dict(),
    }


def _snapshots(building: Building, horizon: int) -> pl.DataFrame:
    """The very SELECT of `order_features`, asked on earlier days: what was known then, and who bought again after."""
    first, last = query(
        building.connection,
        "SELECT min(occurred_on), (SELECT today - 1 FROM tonight) FROM order_lines WHERE line_kind = 'sale'",
    )[0]
    dates = snapshot_dates(first, last, horizon, SNAPSHOTS) if first else []
    frames = []
    for day in dates:
        with _seen_from(building, day):
            frames.append(frame(building.connection, _snapshot_sql(building, day, horizon)))
    types = {"snapshot_on": pl.Date, "person_id": pl.String, "is_churned": pl.Boolean}
    empty = pl.DataFrame(schema=types | dict.fromkeys(FEATURES, pl.Float64))
    return pl.concat([empty, *(f.select(empty.columns).cast(empty.schema) for f in frames)])


@contextmanager
def _seen_from(building: Building, day: date) -> Iterator[None]:
    """Make `tonight` the end of an earlier day, so that a SELECT sees no more than what was known then."""
    tonight = building.as_of
    building.as_of = read_as_of(f"{day}T23:59:59", building.project.zone, 0)
    prepare(building)
    try:
        yield
    finally:
        building.as_of = tonight
        prepare(building)


def _snapshot_sql(building: Building, day: date, horizon: int) -> str:
    until = day + timedelta(days=horizon)
    return f"""
SELECT DATE '{day}' AS snapshot_on, seen.*, NOT EXISTS (
        SELECT 1 FROM order_lines AS later
        WHERE later.person_id = seen.person_id AND later.line_kind = 'sale'
            AND later.occurred_on > DATE '{day}' AND later.occurred_on <= DATE '{until}'
    ) AS is_churned
FROM ({building.catalogue.tables["order_features"].sql}) AS seen
JOIN reach ON reach.person_id = seen.person_id AND reach.is_profiling_allowed
WHERE seen.order_count > 0 AND seen.days_since_last_order <= {ACTIVE_DAYS}
ORDER BY seen.person_id"""


def _cards(building: Building) -> pl.DataFrame:
    """One card per model: what it is worth, in words and figures."""
    models = _models(building)
    value, churn = models["bgnbd"], models["churn"]
    rows = [
        {
            "model": "customer value (BG/NBD and Gamma-Gamma)",
            "status": value["status"],
            "summary": value["verdict"]
            or f"fitted on {value['customers']:,} buyers, {value['repeat_customers']:,} of them repeat",
            "figures": json.dumps({"bgnbd": value, "gamma_gamma": models["gamma_gamma"]}, sort_keys=True),
        },
        {
            "model": f"churn within {churn['horizon_days']} days (logistic regression)",
            "status": churn["status"],
            "summary": churn["verdict"],
            "figures": json.dumps({key: churn[key] for key in sorted(churn) if key != "log_odds"}, sort_keys=True),
        },
    ]
    return pl.DataFrame(rows)


def _score_slots(building: Building) -> Mapping[str, str]:
    """Each score as one SQL expression over stored coefficients."""
    models = _models(building)
    value, spend = BgNbd.from_dict(models["bgnbd"]), GammaGamma.from_dict(models["gamma_gamma"])
    churn = ChurnModel.from_dict(models["churn"]) if models["churn"] else ChurnModel("not ready", "", 0)
    return {
        "alive_probability": alive_sql(value),
        "expected_while_alive": expected_while_alive_sql(value, VALUE_WEEKS),
        "expected_orders": expected_purchases_sql(value, "while_alive_count"),
        "mean_order_amount": mean_amount_sql(spend),
        "churn_probability": churn_sql(churn),
        "churn_reason": reason_sql(churn),
    }


PHASE = Phase(
    "analyze",
    computed={
        "model_cards": Computed(_cards, CARDS, reads=("purchase_summaries", "order_features", "order_lines", "reach"))
    },
    slots={"scores": Slots(_score_slots, reads=("models",))},
)

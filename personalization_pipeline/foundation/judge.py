"""One function: a row of metrics against its expectations, judged by one Great Expectations suite.

Great Expectations has no DuckDB engine, so DuckDB measures (one SELECT, full-table truth) and the suite judges the
one-row frame of metrics. Its import takes seconds: it happens here, once per process, at the first verdict.

Does not belong here: what is measured (foundation.checks), and what follows from a verdict (publish.gate).
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from personalization_pipeline.foundation.checks import Check, Severity


@dataclass(frozen=True)
class Verdict:
    """What became of one check."""

    check: str
    value: float
    passed: bool
    severity: Severity


def judge(metrics: Mapping[str, float], checks: Sequence[Check]) -> list[Verdict]:
    """Judge the metrics m0, m1, ... (see `checks.metrics_sql`) against their checks, in order."""
    if not checks:
        return []
    import pandas

    gx, rows = _great_expectations()
    suite = gx.ExpectationSuite(
        name="night",
        expectations=[
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=f"m{i}",
                min_value=None if check.lowest is None else float(check.lowest),
                max_value=None if check.highest is None else float(check.highest),
                strict_min=check.strict,
                strict_max=check.strict,
                severity="critical" if check.severity == "error" else "warning",
            )
            for i, check in enumerate(checks)
        ],
    )
    batch = rows.get_batch(batch_parameters={"dataframe": pandas.DataFrame([dict(metrics)])})
    results = {r.expectation_config.kwargs["column"]: r.success for r in batch.validate(suite).results}
    verdicts = []
    for i, check in enumerate(checks):
        value = metrics[f"m{i}"]
        # The suite passes over what is not a number; a promise about it is not kept.
        verdicts.append(Verdict(check.text, value, bool(results[f"m{i}"]) and not math.isnan(value), check.severity))
    return verdicts


@cache
def _great_expectations() -> tuple[Any, Any]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("metrics").add_dataframe_asset("row")
    return gx, source.add_batch_definition_whole_dataframe("row")

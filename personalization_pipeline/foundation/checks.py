"""One notion of a check: a metric, a bound and a severity, written as one line of SQL-like text.

    count(*) - count(DISTINCT person_id) = 0        must hold, or the night is not committed
    warn: avg(order_value_amount) BETWEEN 1 AND 500  only told

Belongs here: reading that line, and the one SELECT that measures all checks of a table.
Does not belong here: the verdict (foundation.judge), and what a verdict leads to (the gate in publish).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import sqlglot
from sqlglot import exp

from personalization_pipeline.foundation.errors import TableError

Severity = Literal["error", "warn"]

BOUNDS: dict[type[exp.Expr], str] = {
    exp.EQ: "both",
    exp.GTE: "lowest",
    exp.LTE: "highest",
    exp.GT: "above",
    exp.LT: "below",
}


@dataclass(frozen=True)
class Check:
    """`metric` is an aggregate over the table; its value must lie between the bounds (None: open)."""

    text: str
    metric: str
    lowest: Decimal | None
    highest: Decimal | None
    strict: bool
    severity: Severity


def read_check(line: str, where: Path | str) -> Check:
    """Parse one line. Raises TableError for anything but `[warn:] <aggregate> <comparison> <number(s)>`."""
    text = line.strip()
    severity: Severity = "warn" if text.lower().startswith("warn:") else "error"
    text = text.split(":", 1)[1].strip() if text.lower().startswith(("warn:", "error:")) else text
    problem = TableError(
        f"cannot read the check {text!r}",
        fix="write `<aggregate> <= <number>`, or `<aggregate> BETWEEN <number> AND <number>`",
        where=where,
    )
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except (sqlglot.errors.ParseError, sqlglot.errors.TokenError):
        raise problem from None
    if not isinstance(tree, (exp.Between, *BOUNDS)) or not _is_aggregate(tree.this):
        raise problem
    if isinstance(tree, exp.Between):
        low, high = _number(tree.args["low"]), _number(tree.args["high"])
        if low is None or high is None:
            raise problem
        return Check(text, tree.this.sql("duckdb"), low, high, False, severity)
    kind, bound = BOUNDS[type(tree)], _number(tree.args.get("expression"))
    if bound is None:
        raise problem
    low = bound if kind in ("both", "lowest", "above") else None
    high = bound if kind in ("both", "highest", "below") else None
    return Check(text, tree.this.sql("duckdb"), low, high, kind in ("above", "below"), severity)


def _is_aggregate(node: exp.Expr) -> bool:
    """One value for the whole table: each column stands inside an aggregate, and there is at least one aggregate."""
    measured = (exp.AggFunc, exp.Filter)
    return (
        node.find(exp.AggFunc) is not None
        and node.find(exp.Window, exp.Query) is None
        and all(column.find_ancestor(*measured) for column in node.find_all(exp.Column))
    )


def _number(node: exp.Expr | None) -> Decimal | None:
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    return Decimal(node.this) if isinstance(node, exp.Literal) and not node.is_string else None


def metrics_sql(checks: Sequence[Check], relation: str) -> str:
    """One SELECT, one row: the metric of each check as m0, m1, ... (NULL over no rows counts as 0)."""
    metrics = ", ".join(f"CAST(coalesce({check.metric}, 0) AS DOUBLE) AS m{i}" for i, check in enumerate(checks))
    return f"SELECT {metrics} FROM {relation}"

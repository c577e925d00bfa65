"""What a SELECT of the pipeline may not use, for two reasons: the same night must give the same rows, and the same
files must one day run on another engine.

Belongs here: rules over a parsed SELECT, each with its reason. Does not belong here: style (ruff has none for SQL).
Sources of the portability rules: constructs that a transpiled SELECT answers *differently without an error* on Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlglot import exp

from personalization_pipeline.foundation.errors import TableError

# Function name (as sqlglot or DuckDB spells it) -> why not, and what instead.
REFUSED = {
    "any_value": "picks any row; use arg_max/arg_min with a total order, or min/max",
    "first": "depends on row order; use arg_min with a total order",
    "last": "depends on row order; use arg_max with a total order",
    "first_value": "depends on ties; use arg_min with a total order",
    "last_value": "depends on ties; use arg_max with a total order",
    "hash": "differs between engines and versions; use md5 of text",
    "random": "is not reproducible; use md5 of a key with a salt",
    "rand": "is not reproducible; use md5 of a key with a salt",
    "uuid": "is not reproducible; derive the key from the row",
    "now": "reads the clock; use tonight.as_of",
    "current_date": "reads the clock; use tonight.today",
    "current_timestamp": "reads the clock; use tonight.as_of",
    "today": "reads the clock; use tonight.today",
    "approx_quantile": "is not exact; use percentile_cont ... WITHIN GROUP",
    "approx_count_distinct": "is not exact; use count(DISTINCT ...)",
    "approx_distinct": "is not exact; use count(DISTINCT ...)",
    "quantile_cont": "does not carry over to Spark; use percentile_cont ... WITHIN GROUP",
    "quantile_disc": "does not carry over to Spark; use percentile_disc ... WITHIN GROUP",
    "dayofweek": "counts from another day elsewhere; use isodow on both, or date arithmetic",
}
ORDERED = {"list", "array_agg", "string_agg", "group_concat", "listagg"}


def lint(tree: exp.Expr, where: Path | str) -> None:
    """Raise TableError with every finding, or return."""
    findings = sorted(set(_findings(tree)))
    if findings:
        raise TableError("; ".join(findings), fix="rewrite it as the reason says", where=where)


def _findings(tree: exp.Expr) -> Iterator[str]:
    for node in tree.walk():
        name = _function_name(node)
        if name in REFUSED:
            yield f"{name}(): {REFUSED[name]}"
        if name in ORDERED and not _is_ordered(node):
            yield f"{name}() without ORDER BY: gives its rows in any order; write {name}(x ORDER BY x)"
        if isinstance(node, (exp.Sum, exp.Avg)) and not _is_exact(node.this):
            yield f"{name}({node.this.sql('duckdb')}): adding doubles depends on threads; cast to DECIMAL or an integer first"
        if isinstance(node, exp.RegexpReplace) and "g" not in str(node.args.get("modifiers") or ""):
            yield "regexp_replace without 'g': replaces once here, everywhere in Spark"
        if isinstance(node, exp.DateDiff) and not all(_is_date(side) for side in (node.this, node.expression)):
            yield "date_diff: counts boundaries here, full days elsewhere; cast both sides to DATE"
        if isinstance(node, exp.Limit) and node.parent and not node.parent.args.get("order"):
            yield "LIMIT without ORDER BY: picks any rows"


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Rand):
        return "random"
    return node.sql_name().lower() if isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or)) else ""


def _is_ordered(node: exp.Expr) -> bool:
    return node.find(exp.Order) is not None or isinstance(node.parent, exp.WithinGroup)


def _is_exact(node: exp.Expr | None) -> bool:
    """True where the summed expression is cast, counted, or by its name an amount, a count or a flag."""
    if node is None:
        return False
    if isinstance(node, exp.Distinct):
        return all(_is_exact(inner) for inner in node.expressions)
    if isinstance(node, exp.Cast):
        return not node.to.is_type("double", "float")
    if isinstance(node, (exp.Literal, exp.Count, exp.Boolean)):
        return True
    if isinstance(node, exp.Column):
        return node.name.endswith(("_amount", "_count", "amount", "quantity", "_days", "millibits"))
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        return all(
            _is_exact(branch) or isinstance(branch, exp.Null) for branch in [*branches, *([default] if default else [])]
        )
    if isinstance(node, exp.Coalesce):
        return all(_is_exact(inner) for inner in [node.this, *node.expressions])
    if isinstance(node, (exp.Sum, exp.Paren, exp.Neg, exp.Abs, exp.Filter)):
        return _is_exact(node.this)
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        return _is_exact(node.left) and _is_exact(node.right)
    return False


def _is_date(node: exp.Expr) -> bool:
    if isinstance(node, (exp.Cast, exp.TsOrDsToDate, exp.Date)):
        return True
    if isinstance(node, (exp.Min, exp.Max, exp.Paren, exp.Lag, exp.Window)):
        return _is_date(node.this)
    return isinstance(node, exp.Column) and node.name.endswith(("_on", "today"))

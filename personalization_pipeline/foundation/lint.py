"""What a SELECT of the pipeline may not use, for two reasons: the same night must give the same rows, and the same
files must one day run on another engine.

Belongs here: rules over a parsed SELECT, each with its reason. Does not belong here: style (ruff has none for SQL).
Sources of the portability rules: constructs that a transpiled SELECT answers *differently without an error* on Spark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sqlglot import exp

from personalization_pipeline.foundation.errors import TableError

# Why not, and what instead -> the functions (as sqlglot or DuckDB spells them).
REASONS = {
    "picks any row; use arg_max/arg_min with a total order, or min/max": "any_value arbitrary",
    "depends on row order or ties; use arg_max/arg_min with a total order": (
        "first last first_value last_value nth_value mode"
    ),
    "differs between engines and versions; use md5 of text": "hash",
    "is not reproducible; use md5 of a key with a salt": "random rand uuid uuidv4 uuidv7 nextval",
    "reads the clock; use tonight.as_of or tonight.today": (
        "now today current_date current_time current_timestamp localtime localtimestamp current_localtime "
        "get_current_timestamp transaction_timestamp age"
    ),
    "is not exact; use percentile_cont ... WITHIN GROUP": "approx_quantile reservoir_quantile",
    "is not exact; use count(DISTINCT ...)": "approx_count_distinct approx_distinct approx_top_k",
    "adds doubles, which depends on threads; use sums and averages of DECIMAL": (
        "mean fsum sumkahan kahan_sum favg product corr covar_pop covar_samp "
        "stddev stddev_pop stddev_samp variance variance_pop"
    ),
    "counts from another day elsewhere; use isodow on both, or date arithmetic": "day_of_week weekday",
    "reads what is not a table; land it as a source": (
        "read_csv read_csv_auto read_parquet parquet_scan read_json read_json_auto read_ndjson read_ndjson_auto "
        "read_text read_blob glob getenv"
    ),
}
REFUSED = {name: reason for reason, names in REASONS.items() for name in names.split()}
ORDERED = {"list", "array_agg", "string_agg", "group_concat", "listagg"}
BY_PLACE = (exp.RowNumber, exp.Lag, exp.Lead, exp.Ntile)


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
        if isinstance(node, exp.PercentileCont | exp.PercentileDisc | exp.Quantile) and not isinstance(
            node.parent, exp.WithinGroup
        ):
            yield "quantile, quantile_cont, quantile_disc: unknown to Spark; use percentile_cont ... WITHIN GROUP"
        if (
            isinstance(node, exp.Window)
            and isinstance(node.this, BY_PLACE)
            and not (node.args.get("order") or node.alias)
        ):
            yield f"{_function_name(node.this)}() OVER without ORDER BY: numbers its rows in any order"
        if isinstance(node, (exp.Limit, exp.Offset, exp.Fetch)) and node.parent and not node.parent.args.get("order"):
            yield "LIMIT or OFFSET without ORDER BY: picks any rows"
        if isinstance(node, exp.Distinct) and node.args.get("on") and node.parent and not node.parent.args.get("order"):
            yield "DISTINCT ON without ORDER BY: picks any rows"
        if isinstance(node, exp.TableSample):
            yield "SAMPLE: picks any rows; compare md5 of a key with a share"
        if isinstance(node, exp.Table) and not re.fullmatch(r"\w*", node.name):
            yield f"{node.name!r}: reads what is not a table; land it as a source"


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Rand):
        return "random"
    return node.sql_name().lower() if isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or)) else ""


def _is_ordered(node: exp.Expr) -> bool:
    """Its own ORDER BY counts, not that of an aggregate inside it."""
    return isinstance(node.this, exp.Order) or isinstance(node.parent, exp.WithinGroup)


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
    if isinstance(node, exp.Cast):
        return bool(node.to.is_type("date"))
    if isinstance(node, (exp.TsOrDsToDate, exp.Date)):
        return True
    if isinstance(node, (exp.Min, exp.Max, exp.Paren, exp.Lag, exp.Window)):
        return _is_date(node.this)
    return isinstance(node, exp.Column) and node.name.endswith(("_on", "today"))

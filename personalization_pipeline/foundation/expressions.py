"""SQL expressions that people write into a project's YAML files: read, and refused where they are more than expressions.

Belongs here: what any such expression may be. Does not belong here: which columns and functions of its own a file may use
(ingest.mapping, resolve.overrides), and rules over people, whose language is smaller (foundation.rules).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import sqlglot
from sqlglot import exp

from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.lint import lint
from personalization_pipeline.foundation.project import nearest

REFUSED = (
    exp.Query,
    exp.Table,
    exp.Star,
    exp.AggFunc,
    exp.Window,
    exp.Lambda,
    exp.Parameter,
    exp.Placeholder,
    exp.Command,
)


def read_expression(
    text: str, *, columns: Collection[str], functions: Collection[str], sees: str, unknown: str, where: Path
) -> exp.Expr:
    """One expression, parsed. It sees values only: no file, no other row, no clock.

    `columns` are the names that it may read, `functions` those that SQL itself does not name, `sees` and `unknown` the words
    for what it may use and for a column that is none of these. Raises ProjectError naming the file and the nearest names.
    """
    tree = _parsed(text)
    if tree is None:
        raise ProjectError(f"cannot read the expression {text!r}", fix="write one SQL expression", where=where)
    lint(tree, where)
    tree = tree.transform(_by_whole_name)
    for node in tree.walk():
        function = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, REFUSED) or (function and function not in functions):
            raise ProjectError(
                f"the expression {text!r} uses {function or type(node).__name__.lower()!r}", fix=sees, where=where
            )
        if isinstance(node, exp.Column) and node.name not in columns:
            raise ProjectError(
                f"the expression {text!r} reads {node.name!r}, {unknown}", fix=nearest(node.name, columns), where=where
            )
    return tree


def _parsed(text: str) -> exp.Expr | None:
    """None of what is no SQL, and of what is more than one piece of it."""
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return None
    return None if isinstance(tree, exp.Block) else tree


def _by_whole_name(node: exp.Expr) -> exp.Expr:
    """A column by its whole name: `customer.email` is one, the e-mail inside of a JSON object."""
    return exp.column(".".join(part.name for part in node.parts), quoted=True) if isinstance(node, exp.Column) else node

"""The rule language: one SQL condition over a table with one row per person, parsed and checked when the project loads.

Belongs here: what a rule may say, and its text made uniform. Does not belong here: evaluating a rule (the warehouse),
explaining one (foundation.funnel), which columns exist (the caller knows).

A rule is an expression, never a statement. Whatever is not listed below is refused, so a rule can neither read a file
nor look at the clock, and it means the same on every night with the same facts. Where SQL dialects disagree about
precedence, a rule needs parentheses.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlglot import Dialect, exp
from sqlglot.errors import ErrorLevel, ParseError, TokenError

from personalization_pipeline.foundation.errors import RuleError

DIALECT = "duckdb"
SEGMENTS = "segments"  # the list column that in_segment('name') looks into

_FUNCTIONS: dict[str, type[exp.Expr]] = {
    "abs": exp.Abs,
    "ceil": exp.Ceil,
    "coalesce": exp.Coalesce,
    "contains": exp.Contains,
    "day": exp.Day,
    "floor": exp.Floor,
    "greatest": exp.Greatest,
    "least": exp.Least,
    "length": exp.Length,
    "list_contains": exp.ArrayContains,
    "lower": exp.Lower,
    "month": exp.Month,
    "nullif": exp.Nullif,
    "round": exp.Round,
    "starts_with": exp.StartsWith,
    "trim": exp.Trim,
    "upper": exp.Upper,
    "year": exp.Year,
}
_JOINED = (exp.And, exp.Or, exp.Not, exp.Paren)
_EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_PREDICATES = (*_EQUALITIES, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg)
_CASTS = (exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam)
_ATOMS = (exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.Var)
_ALLOWED = frozenset(
    (*_JOINED, *_PREDICATES, *_ARITHMETIC, *_CASTS, *_ATOMS, exp.Case, exp.If, *_FUNCTIONS.values()),
)
# What a node may carry besides its operands; anything more is another meaning of the same word (BETWEEN SYMMETRIC, ...).
_OPERANDS = frozenset({"this", "expression", "expressions"})
_DETAILS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Between: frozenset({"low", "high"}),
    exp.Case: frozenset({"ifs", "default"}),
    exp.Cast: frozenset({"to"}),
    exp.Greatest: frozenset({"ignore_nulls"}),
    exp.Identifier: frozenset({"quoted"}),
    exp.If: frozenset({"true"}),
    exp.ILike: frozenset({"negate"}),
    exp.Interval: frozenset({"unit"}),
    exp.Least: frozenset({"ignore_nulls"}),
    exp.Like: frozenset({"negate"}),
    exp.Literal: frozenset({"is_string"}),
    exp.Round: frozenset({"decimals"}),
    exp.TryCast: frozenset({"to", "safe"}),
}
_TYPES = frozenset({"BOOLEAN", "INT", "BIGINT", "DOUBLE", "DECIMAL", "TEXT", "VARCHAR", "DATE", "TIMESTAMPNTZ"})
_INTERVAL = re.compile(r"-?[0-9]+ (hour|day|week|month|year)s?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+\.?[0-9]*(e[+-]?[0-9]+)?", re.IGNORECASE)
_YES_OR_NO = (*_PREDICATES, exp.StartsWith, exp.Contains, exp.ArrayContains, exp.Anonymous, exp.Boolean, exp.Column)

_EXAMPLE = "write one SQL condition over a person's columns, for example: order_count > 2 AND city = 'Graz'"
_LANGUAGE = (
    "a rule sees one row per person and counts from as_of, never from the clock; use comparisons, AND, OR, NOT, "
    "IN (literals), BETWEEN, IS NULL, LIKE, ILIKE, CASE, arithmetic, CAST, date literals, intervals, in_segment('name') "
    f"and the functions {', '.join(_FUNCTIONS)}"
)


@dataclass(frozen=True)
class Rule:
    """A checked rule. Its SQL has no comments and no table names, and does not depend on how the text was laid out.

    `text`: as it was written. `sql`: a condition, safe to join to others by AND. `columns`: the columns that it reads,
    sorted, `segments` among them if it asks for one. `segments`: the names in in_segment(...), sorted.
    `parts`: the conditions that AND joins at the top, in the order written; `sql` is these, joined by AND.
    """

    text: str
    sql: str
    columns: tuple[str, ...]
    segments: tuple[str, ...]
    parts: tuple[str, ...]


def parse_rule(
    text: str,
    *,
    columns: Collection[str],
    segments: Collection[str] | None,
    where: Path | str,
    sensitive: Collection[str] = (),
) -> Rule:
    """Read and check one rule; `all` is the rule that everybody meets.

    `columns` are the columns of the table, `segments` the names that in_segment may ask for (None: this kind of rule may
    not ask), `sensitive` the columns that no rule may read (special categories of personal data, GDPR article 9),
    `where` the file to name. Types are not known here: whether `city > 3` makes sense is for the database to say.

    Raises RuleError, and nothing else.
    """
    try:
        tree = _read(text)
        if isinstance(tree, exp.Column) and tree.sql().lower() == "all":
            tree = exp.true()
        for node in tree.walk(bfs=False):
            _check(node)
        if not _is_condition(tree):
            raise RuleError("the rule is a value, not a condition", fix=_EXAMPLE)
        asked = tuple(sorted({_asked(call, segments) for call in tree.find_all(exp.Anonymous)}))
        named = {column.name: _known(column, columns, sensitive) for column in tree.find_all(exp.Column)}
        parts = tuple(_text(part, named) for part in _conjuncts(tree))
    except RecursionError:
        raise RuleError("the rule is nested too deeply", fix="make segments of its parts", where=where) from None
    except RuleError as refused:
        raise RuleError(refused.problem, fix=refused.fix, where=where) from None
    used = set(named.values()) | ({SEGMENTS} if asked else set())
    return Rule(text, " AND ".join(parts), tuple(sorted(used)), asked, parts)


def _read(text: str) -> exp.Expr:
    for position, character in enumerate(text):
        if not character.isprintable() and character not in "\n\r\t":
            problem = f"an invisible character (U+{ord(character):04X}) stands at {_place(text, position)}"
            raise RuleError(problem, fix="type the rule anew instead of pasting it")
    try:
        found = Dialect.get_or_raise(DIALECT).parse_into(exp.Condition, text)
    except ParseError as error:
        first = error.errors[0]
        word = first["highlight"]
        near = "a quoted text" if word[:1] in ("'", '"') else f"'{word}'"
        column = first["col"] - len(word) + 1
        raise RuleError(f"cannot be read at line {first['line']}, column {column}, near {near}", fix=_EXAMPLE) from None
    except TokenError as error:  # the tokenizer counts from the start of the text, whatever it calls it
        start = re.search(r":(\d+)$", str(error.__cause__))
        place = f" that opens at {_place(text, int(start[1]))}" if start else ""
        raise RuleError(
            f"a quote or a comment{place} is never closed", fix="close it; a ' inside a text is ''"
        ) from None
    if len(found) > 1:
        raise RuleError("a rule is one condition, but a semicolon ends it early", fix=_EXAMPLE)
    if not found or found[0] is None:
        raise RuleError("the rule is empty", fix="write a condition, or `all` for everybody")
    return found[0]


def _place(text: str, position: int) -> str:
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"


def _check(node: exp.Expr) -> None:
    """Refuse a node that is not of the language, or that means more than its name says."""
    kind = type(node)
    if kind is exp.Anonymous and node.name.lower() == "in_segment":
        return
    given = {name for name, value in node.args.items() if value not in (None, False, [])}
    extra = given - _OPERANDS - _DETAILS.get(kind, frozenset())
    if kind is exp.Column and extra:
        raise RuleError(
            f"'{node.name}' is written with a dot", fix="a rule sees one table: write the column's name alone"
        )
    if kind is exp.In and not (node.expressions and all(map(_is_literal, node.expressions))):
        raise RuleError("IN is not followed by literals", fix="write them in parentheses: country IN ('AT', 'DE')")
    if kind not in _ALLOWED or extra or (kind is exp.If and not isinstance(node.parent, exp.Case)):
        variant = " in this form" if kind in _ALLOWED and kind is not exp.If else ""
        raise RuleError(f"a rule may not use {_spoken(node)}{variant}", fix=_LANGUAGE)
    if node.error_messages() or (kind is exp.Literal and not node.is_string and not _NUMBER.fullmatch(node.this)):
        raise RuleError(f"{_spoken(node)} is not complete", fix=_EXAMPLE)
    if kind is exp.Is and not isinstance(node.expression, exp.Null | exp.Boolean):
        raise RuleError("IS is followed by a value", fix="write IS NULL, IS TRUE or IS FALSE; to compare, use =")
    if isinstance(node, exp.Cast) and node.to.this.name not in _TYPES:
        fix = "use BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL, VARCHAR, DATE or TIMESTAMP"
        raise RuleError(f"CAST to {node.to.sql(DIALECT)} is not for rules", fix=fix)
    if kind is exp.Interval and not _INTERVAL.fullmatch(f"{node.this.name} {node.text('unit')}"):
        raise RuleError(
            "an interval is not a number and a unit", fix="write INTERVAL 3 DAY, or HOUR, WEEK, MONTH, YEAR"
        )
    if isinstance(node, (*_PREDICATES, *_ARITHMETIC)):
        for side in node.iter_expressions():
            if isinstance(side, (*_PREDICATES, exp.Not)):
                fix = "put parentheses around the inner one, or join them by AND"
                raise RuleError("a condition stands bare inside another one", fix=fix)


def _spoken(node: exp.Expr) -> str:
    """What to call a node in a message: a function by its name, anything else by what it is."""
    sql = node.sql(DIALECT, unsupported_level=ErrorLevel.IGNORE) if isinstance(node, exp.Func) else ""
    if called := re.match(r'"?(\w+)"?(\(|$)', sql):
        return f"{called[1].lower()}()"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _is_literal(node: exp.Expr) -> bool:
    """A number, a text, a negative number or a date literal."""
    inner = node.this if isinstance(node, exp.Neg | exp.Cast) else node
    return isinstance(inner, exp.Literal)


def _is_condition(tree: exp.Expr) -> bool:
    """Whether everything that can be the answer is true or false (a bare column may be)."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (*_JOINED, exp.Coalesce)):
            pending.extend(node.iter_expressions())
        elif isinstance(node, exp.Case):
            pending.extend(branch.args["true"] for branch in node.args["ifs"])
            pending.extend([node.args["default"]] if node.args.get("default") else [])
        elif not isinstance(node, _YES_OR_NO) and not (isinstance(node, exp.Cast) and node.to.this.name == "BOOLEAN"):
            return False
    return True


def _asked(call: exp.Expr, segments: Collection[str] | None) -> str:
    if segments is None:
        raise RuleError(
            "this kind of rule may not ask for segments: it sees people and features only",
            fix="repeat the condition of that segment, or ask in_segment in an audience",
        )
    names = call.expressions
    if len(names) != 1 or not (isinstance(names[0], exp.Literal) and names[0].is_string):
        raise RuleError("in_segment takes one name in single quotes", fix="write in_segment('vip')")
    name: str = names[0].this
    if name not in segments:
        raise RuleError(f"unknown segment '{name}'", fix=_nearest(name, segments))
    return name


def _known(column: exp.Expr, columns: Collection[str], sensitive: Collection[str]) -> str:
    """The column's name as the table spells it (SQL does not mind upper and lower case)."""
    word = column.name
    if word.lower() in {name.lower() for name in sensitive}:
        raise RuleError(
            f"'{word}' is a special category of personal data, and no rule may select people by it (GDPR article 9)",
            fix="remove it from the rule",
        )
    if word.lower() == SEGMENTS:
        raise RuleError(f"the column {SEGMENTS} is read directly", fix="ask in_segment('name'): its name is checked")
    spelled = {name.lower(): name for name in sorted(columns)}
    if word.lower() not in spelled:
        quoted = "; a text stands in 'single quotes'" if column.this.args.get("quoted") else ""
        raise RuleError(f"unknown column '{word}'", fix=_nearest(word, set(columns) - set(sensitive)) + quoted)
    return spelled[word.lower()]


def _nearest(word: str, known: Collection[str]) -> str:
    if close := difflib.get_close_matches(word.lower(), sorted(known), n=3):
        return f"did you mean {' or '.join(close)}?"
    return textwrap.shorten(f"known: {', '.join(sorted(known)) or 'none'}", 400, placeholder=" ...")


def _conjuncts(tree: exp.Expr) -> Iterator[exp.Expr]:
    pending = [tree]
    while pending:
        node = pending.pop().unnest()
        if isinstance(node, exp.And):
            pending += [node.right, node.left]
        else:
            yield exp.paren(node) if isinstance(node, exp.Or) else node


def _text(part: exp.Expr, named: dict[str, str]) -> str:
    def uniform(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.column(named[node.name])
        if isinstance(node, exp.Anonymous):
            return exp.Anonymous(this="list_contains", expressions=[exp.column(SEGMENTS), *node.expressions])
        if isinstance(node, exp.ArrayContains):  # sqlglot would print the other name of the function
            sides = [side.transform(uniform) for side in node.iter_expressions()]
            return exp.Anonymous(this="list_contains", expressions=sides)
        return node

    return part.transform(uniform).sql(DIALECT, comments=False, normalize_functions="lower")

"""What a rule says about people: how many are left after each of its parts, and for one person which part let her down.

Belongs here: SQL text for the two questions, and reading the second answer. Does not belong here: parsing rules
(foundation.rules) and executing SQL (the caller does). Nothing here sees a person's data except `read_explanation`.

SQL knows three answers: a part that is NULL is *unknown*, which does not let a person pass, and is not the same as no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp, parse_one

from personalization_pipeline.foundation.rules import DIALECT, Rule

Verdict = Literal["true", "false", "unknown"]


@dataclass(frozen=True)
class PartVerdict:
    """One part of a rule for one person: its SQL, its answer, and the values of the columns that it reads."""

    part: str
    verdict: Verdict
    values: dict[str, object]


def funnel_sql(rule: Rule, table: str) -> str:
    """One SELECT over `table` in one pass, giving one row of counts of people.

    Columns: `total`; then for each part k = 1..n `passed_k` (pass parts 1 to k, so `passed_n` is the size of the rule),
    `alone_k` (pass part k, whatever the others say) and `unknown_k` (part k is NULL).
    """
    counts = ["count(*) AS total"]
    for k in range(1, len(rule.parts) + 1):
        so_far = " AND ".join(f"part_{i}" for i in range(1, k + 1))
        counts += [
            f"count(*) FILTER (WHERE {so_far}) AS passed_{k}",
            f"count(*) FILTER (WHERE part_{k}) AS alone_{k}",
            f"count(*) FILTER (WHERE part_{k} IS NULL) AS unknown_{k}",
        ]
    return f"SELECT {', '.join(counts)} FROM (SELECT {', '.join(_verdicts(rule))} FROM {table}) AS parts"


def explain_sql(rule: Rule, table: str, key: str) -> str:
    """One SELECT with one parameter, a value of the column `key`; one row for that person, for `read_explanation`.

    Columns: `part_k` (BOOLEAN) for each part, `value_k` for each of `rule.columns`. By number, because a table may have
    a column of any name.
    """
    values = [f"{exp.column(name).sql(DIALECT)} AS value_{k}" for k, name in enumerate(rule.columns, 1)]
    return f"SELECT {', '.join(_verdicts(rule) + values)} FROM {table} WHERE {key} = ?"


def read_explanation(rule: Rule, row: Mapping[str, object]) -> list[PartVerdict]:
    """The answer to `explain_sql` part by part, in the order of the rule; `row` is keyed by column name."""
    values = {name: row[f"value_{k}"] for k, name in enumerate(rule.columns, 1)}
    return [
        PartVerdict(part, _verdict(row[f"part_{k}"]), {name: values[name] for name in columns_of_part(part)})
        for k, part in enumerate(rule.parts, 1)
    ]


def columns_of_part(part: str) -> list[str]:
    """The columns that one part of a rule reads, sorted."""
    return sorted({column.name for column in parse_one(part, dialect=DIALECT, into=exp.Condition).find_all(exp.Column)})


def _verdicts(rule: Rule) -> list[str]:
    # The cast is for a bare column of another type, which WHERE would cast just so.
    return [f"CAST(({part}) AS BOOLEAN) AS part_{k}" for k, part in enumerate(rule.parts, 1)]


def _verdict(answer: object) -> Verdict:
    if answer is None:
        return "unknown"
    return "true" if answer else "false"

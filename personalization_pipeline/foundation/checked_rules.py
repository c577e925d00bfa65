"""A rule against the columns that there are: parsed, then tried on one made-up person, so that a type error is the rule's.

Belongs here: whether the types in a rule fit, and the engine's refusals in words about the rule. Does not belong here:
what a rule may say (foundation.rules), asking it about real people (segment, activate, questions).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from personalization_pipeline.foundation.errors import RuleError
from personalization_pipeline.foundation.funnel import columns_of_part
from personalization_pipeline.foundation.rules import Rule, parse_rule
from personalization_pipeline.foundation.warehouse import Connection, EngineError, query, without_values

FIX = (
    "a text stands in 'single quotes', a number does not; TRY_CAST(x AS INTEGER) makes numbers of texts, "
    "and NULL of those that are none"
)


def checked_rule(
    connection: Connection,
    text: str,
    *,
    columns: Mapping[str, str],
    segments: Collection[str] | None,
    where: Path | str,
    sensitive: Collection[str] = (),
) -> Rule:
    """`parse_rule`, then every part of the rule asked about somebody whose texts are words and of whom no more is known.

    `columns` gives name -> type. Raises RuleError naming the part and the types of its columns where they do not fit.
    """
    rule = parse_rule(text, columns=columns, segments=segments, where=where, sensitive=sensitive)
    for part in rule.parts:
        types = {name: columns[name] for name in columns_of_part(part)}
        with rule_errors_told(where, part, types):
            query(connection, f"SELECT CAST(({part}) AS BOOLEAN) FROM ({_somebody(types)}) AS somebody")
    return rule


@contextlib.contextmanager
def rule_errors_told(where: Path | str, part: str, types: Mapping[str, str]) -> Iterator[None]:
    """Turn the engine's refusal of a rule into a RuleError. Its own words may quote a cell, so these are not repeated."""
    try:
        yield
    except EngineError as error:
        known = ", ".join(f"{name} is {kind}" for name, kind in types.items())
        told = f"{part!r} compares or casts what does not fit ({without_values(error)}{'; ' if known else ''}{known})"
        raise RuleError(told, fix=FIX, where=where) from None


def _somebody(types: Mapping[str, str]) -> str:
    values = [
        f'CAST({repr("word") if kind == "VARCHAR" else "NULL"} AS {kind}) AS "{name}"' for name, kind in types.items()
    ]
    return f"SELECT {', '.join(values) or '1'}"

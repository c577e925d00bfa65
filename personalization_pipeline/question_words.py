"""The answers of `ask` and `why` for a terminal, and as data for JSON.

Belongs here: lines and tables. Does not belong here: the answers (questions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from personalization_pipeline.questions import Answer, Reason


def answer_parts(answer: Answer) -> Iterator[str | Table]:
    """How many, on which channels, and which part of the rule costs how many."""
    yield f"[bold]{answer.count:,}[/] of {answer.total:,} people"
    for flag, count in answer.reach.items():
        yield f"{count:>9,} {flag.removeprefix('is_').replace('_', ' ')}"
    table = Table("part of the rule", "left so far", "meet it alone", "unknown")
    for part, left, alone, unknown in answer.funnel:
        table.add_row(escape(part), f"{left:,}", f"{alone:,}", f"{unknown:,}")
    yield table


def reason_lines(reason: Reason) -> Iterator[str]:
    """Whether somebody is in it, what became of her there, and each part of the rule."""
    word = "[green]in[/]" if reason.is_member else "[yellow]not in[/]"
    yield f"{word} [bold]{reason.name}[/]" + "".join(f"  {to}: {outcome}" for to, outcome in reason.outcomes.items())
    for where, change in reason.changes.items():
        yield escape(f"    since yesterday: {change}{where and f' at {where}'}")
    for part in reason.parts:
        values = ", ".join(f"{name} = {value}" for name, value in part.values.items())
        yield f"    {part.verdict:<8}{escape(part.part)}   [dim]{escape(values)}[/]"


def answer_data(answer: Answer) -> dict[str, Any]:
    return {"count": answer.count, "total": answer.total, "reach": answer.reach, "funnel": answer.funnel}


def reason_data(reason: Reason) -> dict[str, Any]:
    parts = [{"part": p.part, "verdict": p.verdict, "values": p.values} for p in reason.parts]
    told = {"name": reason.name, "is_member": reason.is_member, "outcomes": reason.outcomes, "changes": reason.changes}
    return {**told, "parts": parts}

"""A plan in words: the tables that a terminal shows, and the same as a comment on a pull request.

Belongs here: titles, columns and cells, in one order. Does not belong here: what is counted (planning).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from personalization_pipeline.planning import Move, Plan
from personalization_pipeline.questions import REACH

TITLES = {"segment": "Segments", "audience": "Audiences, by their rule", "delivery": "Deliveries", "offer": "Offers"}
CHANNELS = [flag.removeprefix("is_reachable_") for flag in REACH]
OUTCOMES = (
    "no_address",
    "no_consent",
    "duplicate_address",
    "holdout",
    "audience_too_small",
    "not_matchable",
)


@dataclass(frozen=True)
class Section:
    """One kind of thing that moves; `unchanged` names those that do not."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    unchanged: list[str]


def sections(plan: Plan) -> Iterator[Section]:
    """One per kind, in the order of TITLES, each row one thing that moves."""
    for kind, title in TITLES.items():
        moves = [move for move in plan.moves if move.kind == kind]
        extra = [word.replace("_", " ") for word in OUTCOMES] if kind == "delivery" else [*CHANNELS, "order value"]
        columns = [kind, "before", "after", "entered", "left", "cause", *extra]
        rows = [_row(move) for move in moves if move.is_changed]
        if moves:
            yield Section(title, columns, rows, [_name(move) for move in moves if not move.is_changed])


def heading(plan: Plan) -> str:
    """What was asked, in one line."""
    return f"Asked of the night {plan.night} ({plan.as_of:%Y-%m-%d %H:%M} UTC). Nothing was written."


def as_markdown(plan: Plan) -> str:
    """A comment for a pull request."""
    lines = ["## What this change would do", "", heading(plan)]
    for section in sections(plan):
        lines += ["", f"### {section.title}", ""]
        if section.rows:
            lines += [_line(section.columns), _line(["---", *["---:"] * (len(section.columns) - 1)])]
            lines += [_line(row) for row in section.rows]
        if section.rows and section.unchanged:
            lines.append("")
        if section.unchanged:
            lines.append(f"Unchanged: {', '.join(section.unchanged)}.")
    if plan.notes:
        lines += ["", "### Notes", "", *(f"- {note}" for note in plan.notes)]
    return "\n".join(lines) + "\n"


def as_text(plan: Plan) -> str:
    """The same for a terminal, however narrow."""
    lines = [heading(plan)]
    for section in sections(plan):
        lines += ["", section.title]
        for name, before, after, entered, left, cause, *extra in section.rows:
            told = [f"{word} {cell}" for word, cell in zip(section.columns[6:], extra, strict=True) if cell != "0"]
            lines.append(f"  {name}: {before} → {after}, {entered} enter, {left} leave{cause and f' ({cause})'}")
            lines += [f"      {', '.join(told)}"] if told else []
        if section.unchanged:
            lines.append(f"  unchanged: {', '.join(section.unchanged)}")
    lines += [f"Note: {note}" for note in plan.notes]
    return "\n".join(lines)


def as_data(plan: Plan) -> dict[str, Any]:
    """The whole plan for JSON, with the ids of everybody who moves and the cause."""
    moves = [{**asdict(move), "is_changed": move.is_changed} for move in plan.moves]
    return {"night": plan.night, "as_of": f"{plan.as_of.isoformat()}Z", "moves": moves, "notes": plan.notes}


def _row(move: Move) -> list[str]:
    before, after = move.before, move.after
    if move.kind == "delivery":
        extra = [_change(before.outcomes.get(word, 0), after.outcomes.get(word, 0)) for word in OUTCOMES]
    else:
        extra = [_change(before.reach[flag], after.reach[flag]) for flag in REACH]
        extra.append(_change(before.order_value_amount, after.order_value_amount))
    causes = Counter([*move.entered.values(), *move.left.values()])
    told = ", ".join(f"{cause} {count:,}" for cause, count in sorted(causes.items()))
    entered, left = f"{len(move.entered):,}", f"{len(move.left):,}"
    return [_name(move), f"{before.count:,}", f"{after.count:,}", entered, left, told, *extra]


def _name(move: Move) -> str:
    name = f"{move.name} to {move.destination}" if move.destination else move.name
    return name if move.status == "kept" else f"{name} ({move.status})"


def _change(before: int | str, after: int | str) -> str:
    return str(after) if before == after else f"{before} → {after}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"

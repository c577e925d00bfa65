"""corrections/links.csv: what people say about who is one person, and that it does not contradict itself.

Belongs here: reading the file, refusing what cannot all be true, and its text after one more word or one less. Does not
belong here: what a word does to people (resolve), and asking what it would do (linking).

A line names two records, never a person's data: the file lies in git, which cannot forget. A blank file or none says nothing.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.errors import ProjectError

LINKS = Path("corrections") / "links.csv"
VERDICTS = ("same", "never")


@dataclass(frozen=True)
class Link:
    """One line: record_key_l < record_key_r, `same` or `never`, who said so, when (a day), and why."""

    record_key_l: str
    record_key_r: str
    verdict: str
    decided_by: str
    decided_on: str
    reason: str

    @property
    def pair(self) -> tuple[str, str]:
        return self.record_key_l, self.record_key_r


HEADER = tuple(field.name for field in fields(Link))


def link(one: str, other: str, verdict: str, decided_by: str, decided_on: str, reason: str) -> Link:
    """A word about two records in either order."""
    return Link(min(one, other), max(one, other), verdict, decided_by, decided_on, reason)


def read_links(path: Path) -> Mapping[int, Link]:
    """The words of a file by their line. Raises ProjectError naming the lines that are wrong or contradict each other."""
    if not path.is_file():
        return {}
    try:
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), strict=True)
        found = [(rows.line_num, [cell.strip() for cell in row]) for row in rows if any(row)]
    except UnicodeDecodeError:
        raise ProjectError("is not UTF-8 text", fix="save the file as UTF-8", where=path) from None
    except csv.Error:
        raise ProjectError("a quote is never closed", fix="close it", where=path) from None
    if not found:
        return {}
    header, *lines = found
    if tuple(header[1]) != HEADER:
        raise ProjectError("has another header", fix=f"write {','.join(HEADER)}", where=path)
    links = {number: _read(cells, number, path) for number, cells in lines}
    refuse_contradictions(links, path)
    return links


def _read(cells: list[str], number: int, path: Path) -> Link:
    if len(cells) != len(HEADER):
        raise ProjectError(
            f"line {number} has {len(cells)} cells", fix=f"write {len(HEADER)}: {', '.join(HEADER)}", where=path
        )
    found = link(*cells)
    for key in found.pair:
        source, colon, name = key.partition(":")
        if not (source and colon and name):
            raise ProjectError(
                f"line {number} does not name two records", fix="write record keys: <source>:<key>", where=path
            )
    if found.record_key_l == found.record_key_r:
        raise ProjectError(f"line {number} names one record twice", fix="name two records", where=path)
    if found.verdict not in VERDICTS:
        raise ProjectError(f"line {number} says {found.verdict!r}", fix=f"say one of {', '.join(VERDICTS)}", where=path)
    if not found.decided_by:
        raise ProjectError(f"line {number} does not say who decided", fix="fill decided_by", where=path)
    if "@" in found.reason:
        raise ProjectError(f"line {number} holds an address in its reason", fix="say why without it", where=path)
    try:
        date.fromisoformat(found.decided_on)
    except ValueError:
        raise ProjectError(
            f"line {number} does not say when", fix="write decided_on as a day: 2026-11-20", where=path
        ) from None
    return found


def refuse_contradictions(links: Mapping[int, Link], path: Path) -> None:
    """Raise ProjectError where two lines are about one pair, or `same` lines lead from one end of a `never` to the other."""
    seen: dict[tuple[str, str], int] = {}
    for number, found in links.items():
        before = seen.setdefault(found.pair, number)
        if before != number:
            repeats = links[before].verdict == found.verdict
            raise ProjectError(
                f"line {number} {'repeats' if repeats else 'contradicts'} line {before}",
                fix="keep one of the two: personalize link A B --forget takes both out",
                where=path,
            )
    joined: dict[str, list[tuple[str, int]]] = {}
    for number, found in links.items():
        if found.verdict == "same":
            joined.setdefault(found.record_key_l, []).append((found.record_key_r, number))
            joined.setdefault(found.record_key_r, []).append((found.record_key_l, number))
    for number, found in links.items():
        if found.verdict == "never" and (chain := _chain(joined, *found.pair)):
            lines = ", ".join(map(str, sorted(chain)))
            raise ProjectError(
                f"line {number} says never, and {'lines' if len(chain) > 1 else 'line'} {lines} that they are the same",
                fix="take one of these lines out",
                where=path,
            )


def _chain(joined: Mapping[str, list[tuple[str, int]]], start: str, end: str) -> list[int]:
    """The fewest lines that lead from one record to another; none where none do."""
    before: dict[str, tuple[str, int]] = {start: (start, 0)}
    waiting = deque([start])
    while waiting and end not in before:
        here = waiting.popleft()
        for there, number in joined.get(here, []):
            if there not in before:
                before[there] = here, number
                waiting.append(there)
    lines: list[int] = []
    while end in before and end != start:
        end, number = before[end]
        lines.append(number)
    return lines


def text_of(links: Iterable[Link]) -> str:
    """The file that says this, a line a word, in the order given."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(astuple, links))
    return text.getvalue()


def told(found: Link) -> dict[str, Any]:
    """Who said so, when and why: the evidence of an edge."""
    return {name: getattr(found, name) for name in ("decided_by", "decided_on", "reason")}

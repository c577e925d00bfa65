"""`personalize link A B`: one word more, or less, in corrections/links.csv.

Belongs here: which line a word is, that it contradicts no other, and writing it. Does not belong here: what it would do
to people (blast_radius), what a word does to clusters (resolve).
"""

from __future__ import annotations

import contextlib
import getpass
import itertools
from dataclasses import dataclass
from pathlib import Path

from personalization_pipeline.foundation import clock
from personalization_pipeline.foundation.corrections import (
    LINKS,
    VERDICTS,
    Link,
    link,
    refuse_contradictions,
    text_of,
)
from personalization_pipeline.foundation.errors import MissingArgument, ProjectError
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import published_connection
from personalization_pipeline.foundation.writes import Kind, write_text
from personalization_pipeline.pair_questions import two_sides
from personalization_pipeline.questions import current_night

SAME, NEVER = VERDICTS
FORGET = "forget"


@dataclass(frozen=True)
class Change:
    """A word more or less. `links`: what the file would say; `lines`: the words that come or go; none: nothing to do."""

    links: list[Link]
    lines: list[Link]
    verdict: str


def change(project: Project, one: str, other: str, verdict: str, *, decided_by: str = "", reason: str = "") -> Change:
    """The change that a word (same, never, forget) about two records or people makes to corrections/links.csv.

    A person_id means her smallest record key; to forget, all words between records of the one and of the other.
    Raises MissingArgument where there is no such record, and where the word contradicts lines, which it names.
    """
    path, known = project.folder / LINKS, list(project.links.values())
    with contextlib.closing(published_connection(current_night(project), private=True)) as connection:
        if verdict == FORGET and ":" in one and ":" in other:  # of records that may be gone
            sides = [frozenset({one}), frozenset({other})]
        else:
            sides = [side.meant for side in two_sides(connection, one, other)]
    if verdict == FORGET:
        pairs = {(min(pair), max(pair)) for pair in itertools.product(*sides)}
        gone = [said for said in known if said.pair in pairs]
        return Change([said for said in known if said not in gone], gone, verdict)
    today = clock.local_date(clock.now(), project.zone).isoformat()
    said = link(min(sides[0]), min(sides[1]), verdict, decided_by or getpass.getuser(), today, reason)
    if "@" in reason:
        raise MissingArgument("the reason holds an address", fix="say why without it: git cannot forget")
    if any(before.pair == said.pair and before.verdict == verdict for before in known):
        return Change(known, [], verdict)
    number = max(project.links, default=1) + 1
    try:
        refuse_contradictions({**project.links, number: said}, path)
    except ProjectError as error:
        raise MissingArgument(f"as line {number} of this file: {error.problem}", fix=error.fix, where=path) from None
    return Change([*known, said], [said], verdict)


def write(project: Project, wanted: Change) -> Path:
    """Write the file as the change wants it; the next night follows it."""
    path = project.folder / LINKS
    write_text(path, text_of(wanted.links), Kind.PROJECT)
    return path

"""The mark BUILDING in the folder of a night that is not committed: what a later run must know to go on with it.

Belongs here: what is remembered, and its text. Does not belong here: who goes on with which night (foundation.night).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from personalization_pipeline.foundation.writes import Kind, write_text

MARK = "BUILDING"


@dataclass(frozen=True)
class Mark:
    """A night in the making.

    `made_of` are the project's text by hash and the package's version, None where parts were built from different ones;
    `stale` the tables that are not built, or not from what their inputs are now; `artefacts` the key of each one used;
    `notes` what was refused.
    """

    as_of: datetime
    yesterday: str | None
    made_of: dict[str, str | None]
    stale: list[str]
    artefacts: dict[str, str]
    notes: list[str]


def write_mark(folder: Path, mark: Mark) -> None:
    """Put the mark into the folder of a night."""
    content = {**asdict(mark), "as_of": mark.as_of.isoformat()}
    write_text(folder / MARK, json.dumps(content, indent=1, sort_keys=True) + "\n", Kind.FOLDER)


def read_mark(folder: Path) -> Mark | None:
    """The mark of a night, or None where it has none: committed, or killed before it could be gone on with."""
    if not (folder / MARK).is_file():
        return None
    content = json.loads((folder / MARK).read_text(encoding="utf-8"))
    return Mark(**{**content, "as_of": datetime.fromisoformat(content["as_of"])})

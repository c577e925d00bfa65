"""Which files have landed, for which source, and which of them are new.

Belongs here: walking landing/, content keys, reading what is new, one line per landed file.
Does not belong here: what is in a file (ingest.reading).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import LandingGone
from personalization_pipeline.foundation.night import Store, limits_of
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.ingest.reading import FileSummary, read_file, summary_of

# Raise this when the same file under the same mapping would give other facts than before.
FORMAT_VERSION = 2

COLUMNS = {
    "source": "VARCHAR",
    "path": "VARCHAR",
    "sha256": "VARCHAR",
    "file_key": "VARCHAR",
    "byte_count": "BIGINT",
    "row_count": "BIGINT",
    "rejected_count": "BIGINT",
    "rejected_amount": "DECIMAL(18,2)",
    "unread_count": "BIGINT",
    "is_repeat": "BOOLEAN",
    "refusal": "VARCHAR",
    "fix": "VARCHAR",
    "extra_columns": "VARCHAR",
}


@dataclass(frozen=True)
class LandedFile:
    """One file of one source. `file_key` names its facts: bytes, mapping and format version."""

    source: str
    path: Path
    place: str
    sha256: str
    file_key: str


def landed_files(project: Project) -> list[LandedFile]:
    """All landed files, by source and path. Raises LandingGone where the folder cannot be read."""
    if not project.landing.is_dir():
        raise LandingGone(
            "the landing folder is not there",
            fix="mount or create it, or correct `landing` in project.yaml; nothing was changed",
            where=project.landing,
        )
    return [file for name, source in project.sources.items() for file in _of_source(project, name, source)]


def _of_source(project: Project, name: str, source: Source) -> Iterator[LandedFile]:
    mapping = json.dumps(source.model_dump(include={"format", "columns", "rows_are", "maps"}), sort_keys=True)
    for path in sorted(project.landing.glob(source.files)):
        if path.is_file() and not path.name.startswith("."):
            sha = _sha256(path)
            key = hashlib.sha256(f"{FORMAT_VERSION}\0{name}\0{sha}\0{mapping}".encode()).hexdigest()
            yield LandedFile(name, path, path.relative_to(project.landing).as_posix(), sha, key)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_landing(building: Building) -> pl.DataFrame:
    """Read every file that was not read before; one row per landed file, whatever became of it."""
    project, seen, rows = building.project, set[str](), []
    facts = Store(project.store).facts
    for file in landed_files(project):
        folder = facts / file.file_key
        if (folder / "file.json").is_file():
            summary = summary_of(folder)
        else:
            where = project.file("sources", file.source)
            limits = limits_of(project)
            summary = read_file(file.path, file.source, project.sources[file.source], where, folder, limits)
        if summary.refusal:
            building.notes.append(f"{file.place} {summary.refusal}\nFix: {summary.fix}")
        rows.append(_row(file, summary, is_repeat=file.file_key in seen))
        seen.add(file.file_key)
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, None), orient="row", infer_schema_length=None)


def _row(file: LandedFile, summary: FileSummary, *, is_repeat: bool) -> dict[str, object]:
    return {
        "source": file.source,
        "path": file.place,
        "sha256": file.sha256,
        "file_key": file.file_key,
        "byte_count": file.path.stat().st_size,
        "row_count": summary.row_count,
        "rejected_count": 0 if is_repeat else summary.rejected_count,
        "rejected_amount": "0" if is_repeat else summary.rejected_amount,
        "unread_count": 0 if is_repeat else sum(summary.unread.values()),
        "is_repeat": is_repeat,
        "refusal": summary.refusal,
        "fix": summary.fix,
        "extra_columns": ", ".join(summary.extra_columns),
    }

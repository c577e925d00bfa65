"""Which files have landed, for which source, and which of them are new.

Belongs here: walking landing/, content keys, reading what is new, one line per landed file.
Does not belong here: what is in a file (ingest.reading).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.building import Again, Building
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import LandingGone, SourceRefused
from personalization_pipeline.foundation.night import Store, limits_of
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.ingest.reading import FileSummary, read_file, summary_of
from personalization_pipeline.ingest.receipts import RECEIPTS, declared_in, is_before, receipts, sources

# Raise this when the same file under the same mapping would give other facts than before, or when an entity gets another
# key or moment: what last night knew about the versions of things would no longer hold.
FORMAT_VERSION = 7

COLUMNS = {
    "source": "VARCHAR",
    "path": "VARCHAR",
    "sha256": "VARCHAR",
    "file_key": "VARCHAR",
    "byte_count": "BIGINT",
    "row_count": "BIGINT",
    "landed_amount": "DECIMAL(18,2)",
    "rejected_count": "BIGINT",
    "rejected_amount": "DECIMAL(18,2)",
    "unread_count": "BIGINT",
    "is_repeat": "BOOLEAN",
    "refusal": "VARCHAR",
    "extra_columns": "VARCHAR",
}


@dataclass(frozen=True)
class LandedFile:
    """One file of one source. `file_key` names its facts: bytes, mapping and format version.

    `sha256` is empty where there are no bytes to read: a folder, a link to nothing, a file that is closed to us or
    has a name that is no text.
    """

    source: str
    path: Path
    place: str
    byte_count: int
    sha256: str
    file_key: str


def landed_files(project: Project, as_of: datetime) -> list[LandedFile]:
    """All landed files, by source and path, and the receipts of earlier moments than `as_of`.

    Raises LandingGone where the folder cannot be read, or holds no file of any source.
    """
    _check_landing(project)
    files = [file for name, source in project.sources.items() for file in _of_source(project, name, source)]
    if not files:
        expected = ", ".join(source.files for source in project.sources.values()) or "none: declare a source first"
        raise LandingGone(
            "no file of any source lies there",
            fix=f"put files there under the names that the sources expect ({expected}); nothing was changed",
            where=project.landing,
        )
    return files + [file for file in _of_source(project, RECEIPTS, receipts()) if is_before(file.path, as_of)]


def landed_again(project: Project, again: Again) -> list[LandedFile]:
    """The files that a night had read that is built again, in the order in which it read them."""
    known = sources(project)
    files = []
    for landed in sorted(again.record["landed"], key=lambda landed: list(known).index(landed["source"])):
        name, place, sha = landed["source"], landed["path"], landed["sha256"]
        key = file_key(name, known[name], sha or place)
        path = again.files.get(sha, project.landing / place)
        files.append(LandedFile(name, path, place, landed["byte_count"], sha, key))
    return files


def file_key(name: str, source: Source, content: str) -> str:
    """What names the facts of a file: its content (sha256), its source's mapping, the version of our format."""
    mapping = json.dumps(source.model_dump(include={"format", "columns", "rows_are", "maps"}), sort_keys=True)
    return hashlib.sha256(f"{FORMAT_VERSION}\0{name}\0{content}\0{mapping}".encode()).hexdigest()


def _of_source(project: Project, name: str, source: Source) -> Iterator[LandedFile]:
    paths = [path for path in sorted(project.landing.glob(source.files)) if not path.name.startswith(".")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (byte_count, sha) in zip(paths, pool.map(measured, paths), strict=True):
            found = path.relative_to(project.landing).as_posix()
            # A name may be any bytes; what is stored and said is text.
            place = found.encode(errors="backslashreplace").decode()
            if place != found:
                byte_count, sha = 0, ""
            yield LandedFile(name, path, place, byte_count, sha, file_key(name, source, sha or place))
    _check_landing(project)


def _check_landing(project: Project) -> None:
    """Without the folder every file would seem to be deleted."""
    try:
        with os.scandir(project.landing):
            return
    except OSError as error:
        raise LandingGone(
            f"the landing folder cannot be read: {error.strerror}",
            fix="mount or create it, or correct `landing` in project.yaml; nothing was changed",
            where=project.landing,
        ) from None


def measured(path: Path) -> tuple[int, str]:
    """Number of bytes, and their sha256; nothing of what is no file or is closed to us."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
                return file.tell(), sha
    except OSError:
        pass
    return 0, ""


def read_landing(building: Building) -> pl.DataFrame:
    """Read every file that was not read before; one row per landed file, whatever became of it.

    What was refused, a whole file or rows of it, is told as a note of the night.
    """
    project, seen, rows = building.project, set[str](), []
    again = building.again
    for file in landed_again(project, again) if again else landed_files(project, building.as_of):
        summary, refusal, fix = FileSummary(), "", ""
        try:
            summary = _read(project, file)
        except SourceRefused as refused:
            refusal, fix = refused.problem, refused.fix
        is_repeat = file.file_key in seen
        seen.add(file.file_key)
        rows.append(_row(file, summary, refusal, is_repeat=is_repeat))
        if refusal:
            building.notes.append(f"{file.place} {refusal}\nFix: {fix}")
        elif summary.reasons and not is_repeat:
            building.notes.append(_told_rejects(file, summary))
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, None), orient="row", infer_schema_length=None)


def _read(project: Project, file: LandedFile) -> FileSummary:
    folder = Store(project.store).facts / file.file_key
    if (folder / "file.json").is_file():
        return summary_of(folder)
    try:
        if not file.sha256:
            raise FileNotFoundError
        source, where = sources(project)[file.source], declared_in(project, file.source)
        return read_file(file.path, file.source, source, where, folder, limits_of(project))
    except OSError:
        _check_landing(project)
        raise SourceRefused(
            "is no file that can be opened",
            fix="land it as a file that this user may read, its name in UTF-8, or remove it",
        ) from None


def _told_rejects(file: LandedFile, summary: FileSummary) -> str:
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in summary.reasons.items())
    return (
        f"{file.place}: {summary.rejected_count:,} of {summary.row_count:,} rows were refused ({reasons})\n"
        "Fix: look at them in the table private.rejects, and land a corrected file in its place"
    )


def _row(file: LandedFile, summary: FileSummary, refusal: str, *, is_repeat: bool) -> dict[str, object]:
    return {
        "source": file.source,
        "path": file.place,
        "sha256": file.sha256,
        "file_key": file.file_key,
        "byte_count": file.byte_count,
        "row_count": summary.row_count,
        "landed_amount": summary.landed_amount,
        "rejected_count": 0 if is_repeat else summary.rejected_count,
        "rejected_amount": "0" if is_repeat else summary.rejected_amount,
        "unread_count": 0 if is_repeat else sum(summary.unread.values()),
        "is_repeat": is_repeat,
        "refusal": refusal,
        "extra_columns": ", ".join(summary.extra_columns),
    }

"""Birth dates that the format which a source declares does not read: how many, and which format would.

A date is read as its source declares, never as it looks: of 03/04/1980 one file means March, another one April. A format
that leaves dates unread costs matches that nobody misses, so it is told: by the source's check in the night, and by
`personalize check` as soon as a file has landed.
Belongs here: counting, and words. Does not belong here: the formats there are (dates), reading files (reading).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import Connection, EngineError, frame, row, scratch_connection
from personalization_pipeline.ingest.dates import fitting_format
from personalization_pipeline.ingest.mapping import Column, mapped_columns
from personalization_pipeline.ingest.projection import birth_date, typed_rows
from personalization_pipeline.ingest.rows import open_rows

MOST_UNREAD = 0.02  # share of a file's birth dates: fewer are slips of whoever typed them
LOOKED_AT = 10_000  # rows of a file that has not been read yet


@dataclass(frozen=True)
class BirthDates:
    """How many birth dates a file writes, and how many of these its source does not read. Where these are too many: the
    format that reads the most of its different dates, and the share that it reads (0..1).
    """

    written_count: int = 0
    unread_count: int = 0
    fitting_format: str = ""
    fitting_share: float = 0.0

    @property
    def unread_share(self) -> float:
        return self.unread_count / max(self.written_count, 1)

    @property
    def is_readable(self) -> bool:
        return self.unread_share <= MOST_UNREAD


def birth_dates(c: Connection, columns: list[Column], typed: str) -> BirthDates:
    """What becomes of the birth dates in a relation of `typed_rows`."""
    column = birth_date(columns)
    if column is None:
        return BirthDates()
    counts = row(
        c,
        "SELECT count(birth_date_text) AS written, "
        f"count(*) FILTER (birth_date_text IS NOT NULL AND {column.alias} IS NULL) AS unread FROM {typed}",
    )
    told = BirthDates(counts["written"], counts["unread"])
    if told.is_readable:
        return told
    texts = frame(c, f"SELECT DISTINCT birth_date_text FROM {typed} WHERE birth_date_text IS NOT NULL ORDER BY ALL")
    form, count = fitting_format(texts["birth_date_text"])
    return replace(told, fitting_format=form, fitting_share=count / texts.height) if count else told


def in_words(project: Project, name: str, path: str, found: BirthDates) -> str:
    """What is wrong with the birth dates of a file, and what would be right; without anybody's date."""
    column = birth_date(list(mapped_columns(name, project.sources[name], project.file("sources", name))))
    assert column is not None
    declared = project.sources[name].mappings("contacts")[column.index]["birth_date"]
    would = (
        f"'{found.fitting_format}' would read {found.fitting_share:.0%}"
        if found.fitting_format
        else "nor does any other known format"
    )
    return f"{path}: {declared} leaves {found.unread_share:.0%} of its birth dates unread; {would}"


def unread_in_landing(project: Project) -> Iterator[str]:
    """For `personalize check`: of each source the newest landed file by name, where its birth dates cannot be read."""
    for name, source in project.sources.items():
        where = project.file("sources", name)
        columns = list(mapped_columns(name, source, where))
        files = sorted(path for path in project.landing.glob(source.files) if path.is_file() and path.name[0] != ".")
        if not files or birth_date(columns) is None:
            continue
        connection = scratch_connection(threads=1)
        try:
            rows = open_rows(connection, files[-1], source, where)
            connection.execute(
                f"CREATE TEMP TABLE typed AS SELECT * FROM ({typed_rows(columns, source, rows)}) LIMIT {LOOKED_AT}"
            )
            found = birth_dates(connection, columns, "typed")
        except (SourceRefused, EngineError, OSError):
            continue  # the night says what is wrong with the file
        finally:
            connection.close()
        if not found.is_readable:
            place = files[-1].relative_to(project.landing).as_posix()
            yield f"{where}: {in_words(project, name, place, found)}\nFix: declare the format that its owner writes"

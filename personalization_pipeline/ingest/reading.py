"""One landed file to typed facts: one scan, typed rows on one side, refused rows on the other.

Belongs here: the folder facts/<key>/ of one file, and the counts of what was in it.
Does not belong here: bytes and lines (ingest.rows), which files there are (ingest.landing), which version of a thing
counts (ingest.versions).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.exports import put_parquet
from personalization_pipeline.foundation.warehouse import (
    Connection,
    Limits,
    engine_errors_told,
    literal,
    named,
    put_frame,
    query,
    row,
    scratch_connection,
)
from personalization_pipeline.foundation.writes import Kind, folder_at_once, write_text
from personalization_pipeline.ingest.birth_dates import BirthDates, birth_dates
from personalization_pipeline.ingest.entities import entities
from personalization_pipeline.ingest.mapping import Column, mapped_columns
from personalization_pipeline.ingest.projection import entity_rows, is_fact, typed_rows
from personalization_pipeline.ingest.rows import AGAIN, Rows, open_rows, unreadable_told

RAGGED = {"row_number": "BIGINT", "reasons": "VARCHAR", "line": "VARCHAR", "place": "BIGINT", "before": "BIGINT"}


@dataclass(frozen=True)
class FileSummary:
    """What one file held: its rows, the refused ones among them by reason, values that did not parse by column.

    `landed_amount` is the money of all its rows, as far as it can be read; `rejected_amount` what of it is in no fact.
    """

    row_count: int = 0
    rejected_count: int = 0
    rejected_amount: str = "0.00"
    reasons: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    extra_columns: list[str] = field(default_factory=list)
    landed_amount: str = "0.00"
    birth_dates: BirthDates = field(default_factory=BirthDates)


def read_file(path: Path, name: str, source: Source, where: Path, target: Path, limits: Limits) -> FileSummary:
    """Read one landed file into `target` (facts/<key>/): a Parquet file per entity, rejects.parquet, file.json.

    A file that cannot be read leaves nothing: SourceRefused says why, OSError that it could not be opened.
    """
    with folder_at_once(target, Kind.FOLDER, 0o700) as folder:
        connection = scratch_connection(limits.threads, limits.memory)
        try:
            summary = _read(connection, path, name, source, where, folder)
        finally:
            connection.close()
        write_text(folder / "file.json", json.dumps(asdict(summary), indent=1, sort_keys=True), Kind.FACTS)
    return summary


def summary_of(folder: Path) -> FileSummary:
    """The summary of a file that was read before."""
    content = json.loads((folder / "file.json").read_text(encoding="utf-8"))
    return FileSummary(**content | {"birth_dates": BirthDates(**content.get("birth_dates", {}))})


def _read(c: Connection, path: Path, name: str, source: Source, where: Path, folder: Path) -> FileSummary:
    c.execute("SET preserve_insertion_order = true")
    c.execute(f"SET temp_directory = {literal(str(folder / 'temp'))}")
    columns = list(mapped_columns(name, source, where))
    rows = open_rows(c, path, source, where)
    with unreadable_told(source, where), engine_errors_told():
        rows = _filled_down(c, rows, source)
        c.execute(f"CREATE TEMP TABLE typed AS {typed_rows(columns, source, rows)}")
    with engine_errors_told():
        _put_refused(c, rows)
    summary = _summary(c, columns, source, rows)
    if not summary.row_count:
        raise SourceRefused("holds no rows", fix=AGAIN)
    for entity in (entities()[entity] for entity in source.maps):
        put_parquet(c, entity_rows(entity, columns, source.rows_are), folder / f"{entity.name}.parquet")
    put_parquet(c, "SELECT * FROM refused ORDER BY row_number", folder / "rejects.parquet")
    return summary


def _filled_down(c: Connection, rows: Rows, source: Source) -> Rows:
    """The rows, with cells that stand on the first row of a group only written on its other rows too."""
    fill_down = source.format.fill_down
    if fill_down is None:
        return rows
    c.execute(f"CREATE TEMP TABLE as_landed AS {rows.relation}")
    window = f"OVER (PARTITION BY {named(fill_down.by)} ORDER BY rowid)"
    cells = ", ".join(f"last_value({named(k)} IGNORE NULLS) {window} AS {named(k)}" for k in fill_down.columns)
    return replace(rows, relation=f"SELECT * REPLACE ({cells}) FROM as_landed ORDER BY rowid")


def _put_refused(c: Connection, rows: Rows) -> None:
    """Refused rows and ragged lines as one table `refused`, each with its row number in the file.

    The engine numbers the rows that it was given; each ragged line before one moves it down by one.
    """
    ragged = [(*line, line[0] - before, before + 1) for before, line in enumerate(rows.ragged)]
    put_frame(c, "ragged", pl.DataFrame(ragged, schema=list(RAGGED), orient="row"), RAGGED)
    c.execute(
        "CREATE TEMP TABLE refused AS "
        "SELECT typed.place + coalesce(above.before, 0) AS row_number, typed.reasons, typed.line "
        "FROM (SELECT rowid + 1 AS place, reasons, line FROM typed WHERE reasons IS NOT NULL) AS typed "
        "ASOF LEFT JOIN (SELECT place, max(before) AS before FROM ragged GROUP BY place) AS above "
        "ON typed.place >= above.place "
        "UNION ALL SELECT row_number, reasons, line FROM ragged"
    )


def _summary(c: Connection, columns: list[Column], source: Source, rows: Rows) -> FileSummary:
    amount = entities()[source.rows_are].amount
    own = [k for k in columns if k.entity == source.rows_are and k.name == amount]
    landed = [f"coalesce(sum({k.alias}) FILTER ({k.meant}), 0)" for k in own]
    rejected = [
        f"coalesce(sum({k.alias}) FILTER ({k.meant} AND NOT {is_fact(columns, k.entity, k.index)}), 0)" for k in own
    ]
    counts = row(
        c,
        f"SELECT count(*) AS typed, count(reasons) AS refused, {' + '.join(landed) or '0'} AS landed, "
        f"{' + '.join(rejected) or '0'} AS rejected FROM typed",
    )
    reasons = query(c, "SELECT reasons, count(*) FROM refused GROUP BY reasons ORDER BY count(*) DESC, reasons")
    unread: Counter[str] = Counter()
    for names, count in query(c, "SELECT unread, count(*) FROM typed WHERE unread IS NOT NULL GROUP BY unread"):
        unread.update(dict.fromkeys(names.split(", "), count))
    return FileSummary(
        row_count=counts["typed"] + len(rows.ragged),
        rejected_count=counts["refused"] + len(rows.ragged),
        landed_amount=f"{counts['landed']:.2f}",
        rejected_amount=f"{counts['rejected']:.2f}",
        reasons=dict(reasons),
        unread=dict(sorted(unread.items())),
        extra_columns=rows.extra_columns,
        birth_dates=birth_dates(c, columns, "typed"),
    )

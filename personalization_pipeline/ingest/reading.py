"""One landed file to typed facts: one scan of all-text columns, typed rows on one side, refused rows on the other.

Belongs here: bytes, encodings, headers, ragged lines; the folder facts/<key>/ of one file.
Does not belong here: which files there are (ingest.landing), which version of a thing counts (ingest.versions).
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.project import nearest
from personalization_pipeline.foundation.warehouse import (
    Connection,
    EngineError,
    Limits,
    engine_errors_told,
    literal,
    put_parquet,
    query,
    scratch_connection,
)
from personalization_pipeline.foundation.writes import Kind, folder_at_once, write_text
from personalization_pipeline.ingest.entities import entities
from personalization_pipeline.ingest.mapping import Column, entity_rows, mapped_columns, typed_projection

ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1"}
LONGEST_LINE = 16 * 1024 * 1024
FATAL = {"INVALID ENCODING": "is not {encoding} text", "LINE SIZE OVER MAXIMUM": "has a line longer than 16 MiB"}


@dataclass
class FileSummary:
    """What one file held. `refusal` says why the whole file was not read (then all counts are 0)."""

    row_count: int = 0
    rejected_count: int = 0
    rejected_amount: str = "0"
    refusal: str = ""
    fix: str = ""
    extra_columns: list[str] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)


def read_file(path: Path, name: str, source: Source, where: Path, target: Path, limits: Limits) -> FileSummary:
    """Read one landed file into `target` (facts/<key>/). A file that cannot be read leaves a summary that says why."""
    with folder_at_once(target, Kind.FOLDER) as folder:
        connection = scratch_connection(limits.threads, limits.memory)
        try:
            summary = _read(connection, path, name, source, where, folder)
        except SourceRefused as refusal:
            summary = FileSummary(refusal=refusal.problem, fix=refusal.fix)
        finally:
            connection.close()
        write_text(folder / "file.json", json.dumps(asdict(summary), indent=1, sort_keys=True), Kind.FACTS)
    return summary


def summary_of(folder: Path) -> FileSummary:
    """The summary of a file that was read before."""
    return FileSummary(**json.loads((folder / "file.json").read_text(encoding="utf-8")))


def _read(c: Connection, path: Path, name: str, source: Source, where: Path, folder: Path) -> FileSummary:
    c.execute("SET preserve_insertion_order = true")
    c.execute(f"SET temp_directory = {literal(str(folder / 'temp'))}")
    columns = list(mapped_columns(name, source, where))
    header = _header(path, source)
    _check_header(header, source, where)
    text = ", ".join(
        f'CAST("{column}" AS VARCHAR) AS "{column}"' if column in header else f'NULL AS "{column}"'
        for column in source.columns
    )
    c.execute("CREATE TEMP TABLE refused (row_number BIGINT, reasons VARCHAR[], line VARCHAR)")
    try:
        with engine_errors_told():
            c.execute(
                f"CREATE TEMP TABLE typed AS SELECT {typed_projection(columns, source)}, "
                f"CASE WHEN len(reasons) > 0 THEN line END AS line FROM "
                f"({_filled(c, f'SELECT {text}, {_line(source, header)} AS line FROM {_relation(path, source, header)}', source)})"
            )
    except EngineError as error:
        kind = next(
            (words for code, words in FATAL.items() if code.split()[-1].lower() in str(error).lower()), "cannot be read"
        )
        raise SourceRefused(kind.format(encoding=source.format.encoding), fix=_format_remedy(where)) from None
    _take_ragged_lines(c, source, where)
    c.execute("ALTER TABLE typed ADD COLUMN row_number BIGINT")
    c.execute("UPDATE typed SET row_number = rowid + 1")
    c.execute("INSERT INTO refused SELECT row_number, reasons, line FROM typed WHERE len(reasons) > 0")
    for entity in (entities()[entity] for entity in source.maps):
        put_parquet(c, entity_rows(entity, columns, source.rows_are), folder / f"{entity.name}.parquet")
    put_parquet(c, "SELECT * FROM refused ORDER BY row_number", folder / "rejects.parquet")
    return _summary(c, columns, source, sorted(set(header) - set(source.columns)))


def _filled(c: Connection, rows: str, source: Source) -> str:
    """The rows, with cells that stand on the first row of a group only written on its other rows too."""
    fill_down = source.format.fill_down
    if fill_down is None:
        return rows
    c.execute(f"CREATE TEMP TABLE as_landed AS {rows}")
    window = f'OVER (PARTITION BY "{fill_down.by}" ORDER BY rowid)'
    filled = ", ".join(
        f'last_value(nullif(trim("{column}"), \'\') IGNORE NULLS) {window} AS "{column}"'
        for column in fill_down.columns
    )
    return f"SELECT * REPLACE ({filled}) FROM as_landed ORDER BY rowid"


def _header(path: Path, source: Source) -> list[str]:
    if source.format.type == "ndjson":
        return list(source.columns)
    if source.format.type == "parquet":
        connection = scratch_connection()
        try:
            found = query(connection, f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})")
        except EngineError:
            raise SourceRefused("is no Parquet file", fix="land it again, or correct `format` in its source") from None
        finally:
            connection.close()
        return [row[0] for row in found]
    encoding = ENCODINGS.get(source.format.encoding)
    if encoding is None:
        raise SourceRefused(
            f"encoding {source.format.encoding!r} is not known", fix=f"use one of {', '.join(ENCODINGS)}"
        )
    with path.open("rb") as file:
        start = file.read(1024 * 1024)
    if not start.strip():
        raise SourceRefused("is empty: not even a header", fix="land the file again, or remove it")
    decoder = io.TextIOWrapper(io.BytesIO(start), encoding=encoding, errors="replace", newline="")
    try:
        return next(csv.reader(decoder, delimiter=source.format.delimiter, quotechar=source.format.quote))
    except csv.Error:
        raise SourceRefused("has no readable header line", fix="land the file again") from None


def _check_header(header: list[str], source: Source, where: Path) -> None:
    for column, need in source.columns.items():
        if need == "required" and column not in header:
            raise SourceRefused(
                f"has no column {column!r}",
                fix=f"{nearest(column, header)} If the source changed, change `columns` and `maps` in {where.name}",
            )
    if len(set(header)) != len(header):
        raise SourceRefused("has two columns of one name", fix="ask its owner to name every column once")


def _relation(path: Path, source: Source, header: list[str]) -> str:
    place = literal(str(path))
    if source.format.type == "parquet":
        return f"read_parquet({place})"
    options = f"auto_detect=false, store_rejects=true, rejects_limit=0, strict_mode=true, max_line_size={LONGEST_LINE}"
    if source.format.type == "ndjson":
        # All fields in one call: each call reads the whole line anew. A line that is no JSON has none of them.
        paths = ", ".join(literal("$." + column) for column in header)
        fields = ", ".join(f'fields[{place}] AS "{column}"' for place, column in enumerate(header, 1))
        lines = f"read_csv({place}, columns={{'line': 'VARCHAR'}}, header=false, delim='\x01', quote='', escape='', {options})"
        return f"(SELECT {fields}, line FROM (SELECT TRY(json_extract_string(line, [{paths}])) AS fields, line FROM {lines}))"
    named = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    f = source.format
    return (
        f"read_csv({place}, columns={{{named}}}, header=true, delim={literal(f.delimiter)}, quote={literal(f.quote)}, "
        f"escape={literal(f.quote)}, encoding={literal(f.encoding)}, {options})"
    )


def _line(source: Source, header: list[str]) -> str:
    """SQL: the source row as text, kept only for refused rows."""
    if source.format.type == "ndjson":
        return "line"
    known = [column for column in header if column in source.columns]
    return "CAST(struct_pack(" + ", ".join(f'"{column}" := "{column}"' for column in known) + ") AS VARCHAR)"


def _take_ragged_lines(c: Connection, source: Source, where: Path) -> None:
    """Move lines that are not rows at all from the engine's list of rejects to ours; some mean the whole file."""
    if source.format.type == "parquet":
        return
    for code, words in FATAL.items():
        if query(c, f"SELECT 1 FROM reject_errors WHERE error_type = {literal(code)} LIMIT 1"):
            raise SourceRefused(words.format(encoding=source.format.encoding), fix=_format_remedy(where))
    c.execute(
        "INSERT INTO refused SELECT line, ['line has ' || lower(error_type)], min(csv_line) FROM reject_errors "
        "GROUP BY line, error_type QUALIFY row_number() OVER (PARTITION BY line ORDER BY error_type) = 1"
    )


def _summary(c: Connection, columns: list[Column], source: Source, extra: list[str]) -> FileSummary:
    amount = entities()[source.rows_are].amount
    alias = next((k.alias for k in columns if k.entity == source.rows_are and k.name == amount), None)
    money = f"coalesce(sum({alias or 0}), 0)"
    typed = query(c, "SELECT count(*) FROM typed")[0][0]
    refused = query(c, "SELECT count(*) FROM refused")[0][0]
    ragged = query(c, "SELECT count(*) FROM refused WHERE reasons[1] LIKE 'line has %'")[0][0]
    refused_money = query(c, f"SELECT {money} FROM typed WHERE len(reasons) > 0")[0][0]
    unread = query(
        c, "SELECT name, count(*) FROM (SELECT unnest(unread) AS name FROM typed) GROUP BY name ORDER BY name"
    )
    return FileSummary(typed + ragged, refused, str(refused_money), extra_columns=extra, unread=dict(unread))


def _format_remedy(where: Path) -> str:
    return f"correct `format` (encoding, delimiter, quote) in {where.name}, or land the file again"

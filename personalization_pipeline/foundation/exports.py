"""Rows that leave the engine for a file: Parquet, CSV, NDJSON, or a whole database.

Belongs here: writing what a SELECT gives, in its order. Does not belong here: tables of a night (foundation.warehouse).
"""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.foundation.warehouse import Connection, engine_errors_told, literal, query
from personalization_pipeline.foundation.writes import Kind, make_folder, writing


def put_export(connection: Connection, database: str, folder: Path) -> None:
    """Write all tables of a database into an empty folder, as `IMPORT DATABASE` reads them; without their comments."""
    with writing(Kind.ANALYSTS), engine_errors_told():
        connection.execute(f"EXPORT DATABASE {database} TO {literal(str(folder))} (FORMAT parquet)")


def put_parquet(connection: Connection, select: str, path: Path) -> None:
    """Write the rows of a SELECT to a Parquet file, in their order."""
    with writing(Kind.FACTS), engine_errors_told():
        connection.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")


def put_csv(connection: Connection, select: str, path: Path, *, delimiter: str = ",", quote_all: bool = False) -> int:
    """Write the rows of a SELECT to a CSV file of a demo project, in their order; NULL is written as nothing.

    Returns how many rows were written.
    """
    quotes = ", FORCE_QUOTE *" if quote_all else ""
    return _put_project_file(
        connection, select, path, f"FORMAT csv, HEADER true, DELIMITER {literal(delimiter)}{quotes}"
    )


def put_ndjson(connection: Connection, select: str, path: Path) -> None:
    """Write a SELECT of one text column, each a JSON object, as lines of a file of a demo project; .gz is compressed."""
    _put_project_file(connection, select, path, "FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE ''")


def _put_project_file(connection: Connection, select: str, path: Path, options: str) -> int:
    make_folder(path.parent, Kind.PROJECT)
    with writing(Kind.PROJECT), engine_errors_told():
        return int(query(connection, f"COPY ({select}) TO {literal(str(path))} ({options})")[0][0])

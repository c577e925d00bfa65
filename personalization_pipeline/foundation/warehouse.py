"""The only module that imports duckdb: connections, their limits, and moving rows between SQL and Python.

Belongs here: how a connection is opened, what is attached to it, the macros that source mappings may call.
Does not belong here: which tables exist (foundation.tables) and where files lie (foundation.night).

While a night is built its connection sees, by name:
    warehouse   main: the analysts' file              private    the file with personal data
    yesterday   last night's tables, read-only, typed  facts      typed rows of all landed files, as of tonight
    computed    what a Python function made just now    run        the one-row table `tonight`
`scratch` holds what `facts` shows. The three lie in the folder SCRATCH, which is removed before the night is committed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from personalization_pipeline.foundation.errors import DiskFull, TryAgain
from personalization_pipeline.foundation.writes import Kind, make_folder

if TYPE_CHECKING:
    import polars as pl

Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error

SCRATCH = "scratch"
SEARCH_PATH = "warehouse.main,private.main,run.main"

# No primary keys or indexes anywhere: uniqueness is a check (DESIGN: known corruption bugs).
SETTINGS = {
    "preserve_insertion_order": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

# Of the files of a night in the making: it packs texts in two thirds of the time. The private file stays so; the analysts'
# file is written anew for any engine (clean_copy).
STORAGE = "v1.4.0"

# What every connection begins with.
SESSION = Path(__file__).with_name("session.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Limits:
    """What one connection may use. None means: cores of the machine, 60 % of its (or its container's) memory."""

    threads: int | None = None
    memory: str | None = None
    temp_directory: Path | None = None

    def settings(self) -> dict[str, str]:
        chosen = dict(SETTINGS)
        if self.threads:
            chosen["threads"] = str(self.threads)
        chosen["memory_limit"] = self.memory or f"{int(memory_bytes() * 0.6)}B"
        if self.temp_directory:
            chosen["temp_directory"] = str(self.temp_directory)
        return chosen


def memory_bytes() -> int:
    """Memory of this machine, or of the container when that is less."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        available = min(available, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return available


def scratch_connection(threads: int | None = None, memory_limit: str | None = None) -> Connection:
    """An in-memory connection of its own, for one job (reading a file, a Linker, a rehearsal)."""
    connection = duckdb.connect(":memory:", config=dict(Limits(threads, memory_limit).settings()))
    connection.execute(SESSION)
    return connection


def world_connection(folder: Path, memory_limit: str = "2GB") -> Connection:
    """A database file in a new folder of its own, for rows that need not fit into memory; they keep their order."""
    make_folder(folder, Kind.PROJECT)
    limits = Limits(memory=memory_limit, temp_directory=folder / "spilled")
    connection = file_connection(folder / "world.duckdb", limits)
    connection.execute(SESSION)
    connection.execute("SET preserve_insertion_order = true")
    return connection


def file_connection(file: Path, limits: Limits, storage: str | None = None) -> Connection:
    """A database file of its own, which engines of version `storage` on can read; None: all since 1.0."""
    chosen = {"storage_compatibility_version": storage} if storage else {}
    return duckdb.connect(str(file), config={**limits.settings(), **chosen})


def building_connection(folder: Path, yesterday: Path | None, limits: Limits) -> Connection:
    """Open the night that is being built in `folder`, with last night's folder (if any) attached read-only."""
    connection = file_connection(folder / "warehouse.duckdb", limits, STORAGE)
    connection.execute(SESSION)
    _attach(connection, folder / "private.duckdb", "private")
    # On disk, so that a run that goes on with this night finds them.
    for catalog in ("scratch", "facts", "computed"):
        _attach(connection, folder / SCRATCH / f"{catalog}.duckdb", catalog)
    for catalog in ("yesterday", "run"):
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
    _remember(connection, yesterday)
    return connection


def published_connection(folder: Path, *, private: bool = False) -> Connection:
    """Open a committed night read-only: the analysts' file, with the private file attached where it is needed."""
    connection = duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True, config=dict(SETTINGS))
    connection.execute(SESSION)
    if private:
        _attach(connection, folder / "private.duckdb", "private", read_only=True)
        connection.execute("SET search_path = 'warehouse.main,private.main'")
    return connection


def asking_connection(warehouse: Path, private: Path | None, yesterday: Path | None, limits: Limits) -> Connection:
    """An in-memory session over a committed night that sees what the building one saw; its files are read only.

    Without the private file nobody is more than her id.
    """
    connection = duckdb.connect(":memory:", config=dict(limits.settings()))
    connection.execute(SESSION)
    _attach(connection, warehouse, "warehouse", read_only=True)
    if private:
        _attach(connection, private, "private", read_only=True)
    for catalog in ("facts", "computed", "yesterday", "run", *(() if private else ("private",))):
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
    if not private:
        connection.execute(
            "CREATE VIEW private.main.people AS SELECT person_id, 'known' AS kind FROM warehouse.main.features"
        )
    _remember(connection, yesterday)
    return connection


def _remember(connection: Connection, yesterday: Path | None) -> None:
    if yesterday:
        _attach(connection, yesterday / "warehouse.duckdb", "last_warehouse", read_only=True)
        _attach(connection, yesterday / "private.duckdb", "last_private", read_only=True)
    connection.execute(f"SET search_path = '{SEARCH_PATH}'")


def _attach(connection: Connection, path: Path, name: str, *, read_only: bool = False) -> None:
    options = " (READ_ONLY)" if read_only else ""
    connection.execute(f"ATTACH {literal(str(path))} AS {name}{options}")


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def named(column: str) -> str:
    """A column name in SQL, whatever characters it has."""
    return '"' + column.replace('"', '""') + '"'


@contextlib.contextmanager
def engine_errors_told() -> Iterator[None]:
    """Turn an engine failure into words without values: DuckDB's own texts quote cells, which are personal data."""
    try:
        yield
    except duckdb.Error as error:
        if "No space left" in str(error) or "max_temp_directory_size" in str(error):
            raise DiskFull("no space left while the engine wrote", fix="free disk space, then run again") from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise TryAgain(
                "the engine ran out of the memory that it may use",
                fix="raise engine.memory_limit in project.yaml, or give the machine more memory",
            ) from None
        raise


def without_values(error: EngineError) -> str:
    """The engine's words about a SELECT. Binder and parser texts hold names only; conversions would quote a cell."""
    kind = type(error).__name__
    return (
        f"{kind}: {str(error).splitlines()[0]}"
        if kind in ("BinderException", "CatalogException", "ParserException")
        else kind
    )


def query(connection: Connection, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """All rows of a query, as tuples."""
    return connection.execute(sql, parameters).fetchall()


def row(connection: Connection, sql: str, parameters: Any = None) -> dict[str, Any]:
    """The one row of a query, by column name."""
    result = connection.execute(sql, parameters)
    names = [column[0] for column in result.description or []]
    return dict(zip(names, result.fetchall()[0], strict=True))


def frame(connection: Connection, sql: str) -> pl.DataFrame:
    """A query as a polars frame."""
    return connection.sql(sql).pl()


def columns_of(connection: Connection, relation: str) -> dict[str, str]:
    """Column names and types of a table, view or bracketed SELECT, in order."""
    return {name: kind for name, kind, *_ in query(connection, f"DESCRIBE SELECT * FROM {relation}")}


@contextlib.contextmanager
def packing_nothing(connection: Connection) -> Iterator[None]:
    """What is written meanwhile is as large as it is: packing takes longer than writing, and scratch is soon removed."""
    connection.execute("SET force_compression = 'uncompressed'")
    try:
        yield
    finally:
        connection.execute("RESET force_compression")


def put_frame(connection: Connection, target: str, frame: pl.DataFrame, types: Mapping[str, str] | None = None) -> None:
    """Make a table of a frame. `types` casts columns: an all-null column of a frame has no type of its own."""
    casts = types or {}
    chosen = ", ".join(
        f'CAST("{name}" AS {casts[name]}) AS "{name}"' if name in casts else f'"{name}"' for name in frame.columns
    )
    connection.register("frame_to_put", frame)
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT {chosen} FROM frame_to_put")
    finally:
        connection.unregister("frame_to_put")


def put_table(
    connection: Connection,
    target: str,
    select: str,
    comment: str,
    comments: Mapping[str, str],
    *,
    is_view: bool = False,
) -> None:
    """Make one table, or view, of one SELECT, commenting the columns that it has, in one transaction."""
    kind = "VIEW" if is_view else "TABLE"
    with engine_errors_told():
        connection.execute("BEGIN")
        try:
            connection.execute(f"CREATE OR REPLACE {kind} {target} AS {select}")
            connection.execute(f"COMMENT ON {kind} {target} IS {literal(comment)}")
            for name in set(columns_of(connection, target)) & set(comments):
                connection.execute(f'COMMENT ON COLUMN {target}."{name}" IS {literal(comments[name])}')
            connection.execute("COMMIT")
        except BaseException:
            # A commit that met a full disk has left no transaction to roll back.
            with contextlib.suppress(EngineError):
                connection.execute("ROLLBACK")
            raise


def content_hash(connection: Connection, relation: str) -> str:
    """A hash of a table's columns and rows that does not depend on their order: equal content, equal hash.

    The sum of one 64-bit number per row (from md5 of its text), the count, and a hash of column names and types, in hex.
    """
    columns = sorted(columns_of(connection, relation).items())
    names = [name for name, _ in columns]
    packed = ", ".join(f'"{name}" := CAST("{name}" AS VARCHAR)' for name in names)
    sql = f"SELECT count(*), sum(CAST(md5_number_lower(CAST(struct_pack({packed}) AS VARCHAR)) AS HUGEINT)) FROM {relation}"
    count, total = query(connection, sql)[0]
    schema = hashlib.sha256(repr(columns).encode()).hexdigest()[:8]
    return f"{count:x}-{int(total or 0):x}-{schema}"

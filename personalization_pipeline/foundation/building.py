"""A night while it is built: one connection, the project, and the making of one table after the other.

Belongs here: what a SELECT sees (yesterday, tonight, computed, slots), making and measuring a table, a rehearsal.
Does not belong here: folders and commits (foundation.night), what the tables are (the phases).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation import judge as judges
from personalization_pipeline.foundation.checks import metrics_sql
from personalization_pipeline.foundation.clock import local_date
from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.lint import lint
from personalization_pipeline.foundation.mark import Mark, write_mark
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.tables import Table
from personalization_pipeline.foundation.warehouse import (
    SEARCH_PATH,
    Connection,
    EngineError,
    columns_of,
    engine_errors_told,
    literal,
    named,
    packing_nothing,
    put_frame,
    put_table,
    query,
    row,
    scratch_connection,
    without_values,
)
from personalization_pipeline.foundation.writes import Kind, writing


@dataclass(frozen=True)
class Built:
    """One table that was made: its rows and what its checks said."""

    row_count: int
    columns: Mapping[str, str]
    verdicts: tuple[judges.Verdict, ...]


@dataclass(frozen=True)
class Again:
    """A night that is built a second time: its night.json, and where the bytes of its landed files lie now, by sha256.

    Its landed files and its artefacts are the inputs, whatever came later. Of a file without a place the facts are there.
    """

    record: Mapping[str, Any]
    files: Mapping[str, Path]


@dataclass
class Building:
    """The state of one night in the making. `folder` is None in a rehearsal, which has tables but no rows."""

    project: Project
    catalogue: Catalogue
    as_of: datetime
    connection: Connection
    folder: Path | None = None
    yesterday: Path | None = None
    artefacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    retrain: bool = False
    again: Again | None = None
    results: dict[str, Built] = field(default_factory=dict)
    # What its mark remembers (see foundation.mark).
    made_of: Mapping[str, str | None] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    artefact_keys: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    # Computed relations that hold: no table that they look at was built since.
    computed: set[str] = field(default_factory=set)

    @property
    def is_rehearsal(self) -> bool:
        return self.folder is None

    def columns(self, name: str) -> dict[str, str]:
        """Columns and types of a table that is already built."""
        return columns_of(self.connection, name)

    def remember(self) -> None:
        """Write down what a later run must know to go on with this night."""
        if self.folder is not None:
            before = self.yesterday.name if self.yesterday else None
            stale = sorted(self.stale)
            write_mark(self.folder, Mark(self.as_of, before, dict(self.made_of), stale, self.artefact_keys, self.notes))


def prepare(building: Building) -> None:
    """Make visible what every SELECT may read: the row `tonight`, and last night's tables with tonight's types."""
    project, c = building.project, building.connection
    building.computed.clear()
    c.execute(f"CREATE OR REPLACE TABLE run.main.tonight AS {tonight_sql(project, building.as_of)}")
    for table in building.catalogue.tables.values():
        if table.memory:
            remembered = as_remembered(c, table.name, table.memory)
            c.execute(f"CREATE OR REPLACE VIEW yesterday.main.{table.name} AS {remembered}")


def tonight_sql(project: Project, as_of: datetime) -> str:
    """The one row `tonight` of a moment (naive UTC): the calendar day is the project's."""
    today = local_date(as_of, project.zone)
    return (
        f"SELECT CAST({literal(as_of.isoformat(sep=' '))} AS TIMESTAMP) AS as_of, DATE {literal(today.isoformat())} AS today, "
        f"{literal(project.settings.time_zone)} AS time_zone, {literal(project.settings.currency)} AS currency"
    )


def as_remembered(
    connection: Connection,
    name: str,
    columns: Mapping[str, str],
    databases: Collection[str] = ("last_warehouse", "last_private"),
) -> str:
    """A SELECT of last night's table of that name, with these columns and types; of no rows where there was none.

    What cannot be read as such a type, since an earlier version wrote another one, is NULL: not remembered.
    """
    # In either file: a table may have become private, or ceased to be, since last night.
    found = query(
        connection,
        "SELECT table_catalog FROM information_schema.tables WHERE table_catalog IN (SELECT unnest(?)) AND table_name = ?",
        [list(databases), name],
    )
    source = f"{found[0][0]}.main.{name}" if found else ""
    known = columns_of(connection, source) if found else {}
    chosen = ", ".join(
        f"TRY_CAST({named(column) if column in known else 'NULL'} AS {kind}) AS {named(column)}"
        for column, kind in columns.items()
    )
    return f"SELECT {chosen} FROM {source}" if found else f"SELECT {chosen} WHERE false"


@engine_errors_told()
def build(building: Building, name: str) -> Built:
    """Make one table: its computed relations first, then its SELECT with slots filled, then its checks."""
    table = building.catalogue.tables[name]
    for relation in building.catalogue.computed_before(name):
        _compute(building, relation)
    select, comments = select_of(building, table), building.catalogue.comments[name]
    try:
        # A rehearsal writes nothing: there is no plug to pull.
        with contextlib.nullcontext() if building.is_rehearsal else writing(Kind.TABLE):
            put_table(building.connection, table.target, select, table.description, comments, is_view=table.is_view)
        built = _measured(building, table)
    except EngineError as error:
        raise TableError(
            without_values(error),
            fix="correct the SELECT or its checks; `personalize check` tries them",
            where=table.path,
        ) from None
    building.results[name] = built
    building.computed -= {relation for relation, step in building.catalogue.computed.items() if name in step.reads}
    if not building.stale & set(building.catalogue.reads(name)):
        building.stale.discard(name)
    building.remember()
    return built


def complete(building: Building) -> None:
    """Measure the tables that another run has built: what is published is judged as a whole."""
    for name, table in building.catalogue.tables.items():
        if name not in building.results:
            try:
                building.results[name] = _measured(building, table)
            except EngineError:
                # It is not there, or no longer what its file declares.
                building.stale.add(name)


def _measured(building: Building, table: Table) -> Built:
    c = building.connection
    row_count = query(c, f"SELECT count(*) FROM {table.target}")[0][0]
    metrics = row(c, metrics_sql(table.checks, table.target)) if table.checks else {}
    verdicts = [] if building.is_rehearsal else judges.judge(metrics, table.checks)
    return Built(row_count, building.columns(table.name), tuple(verdicts))


def select_of(building: Building, table: Table) -> str:
    """The SELECT of a table, its slots filled."""
    if not table.slots:
        return table.sql
    filled = building.catalogue.slots[table.name].fill(building)
    return table.filled(filled)


def _compute(building: Building, relation: str) -> None:
    if relation in building.computed:
        return
    step = building.catalogue.computed[relation]
    target = f"computed.main.{relation}"
    typed = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in step.columns.items())
    building.connection.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT {typed} WHERE false")
    if not building.is_rehearsal:
        with packing_nothing(building.connection):
            made = step.make(building)
            if isinstance(made, str):
                building.connection.execute(f"INSERT INTO {target} {made}")
            elif made is not None:
                put_frame(building.connection, target, made.select(list(step.columns)), step.columns)
    building.computed.add(relation)


def rehearse(project: Project, tables: Catalogue, empty_facts: Mapping[str, Mapping[str, str]]) -> Building:
    """Build every table over no rows: shows that each SELECT binds and each rule reads columns that exist."""
    connection = scratch_connection(threads=1)
    for catalog in ("warehouse", "private", "yesterday", "facts", "computed", "run"):
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
    connection.execute(f"SET search_path = '{SEARCH_PATH}'")
    for name, columns in empty_facts.items():
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE facts.main.{name} AS SELECT {typed} WHERE false")
    building = Building(project, tables, datetime(2000, 1, 1), connection)
    prepare(building)
    for table in tables.tables.values():
        lint(table.tree, table.path)
    for name in tables.order():
        build(building, name)
    return building

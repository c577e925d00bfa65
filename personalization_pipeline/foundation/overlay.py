"""What would be, if: the same SELECTs over other inputs, beside a night and without a trace in it.

Belongs here: the session in which some tables are stood in for and others made anew from them. Does not belong here:
what is stood in for, and what the answer means (segment.causes asks why somebody moved, planning what a change would do).

An in-memory catalog stands first in the search path of a session of its own, so that a SELECT that names its tables
bare reads what lies there, and the night's own tables where nothing does. Nothing is copied that is not made anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp

from personalization_pipeline.foundation.building import Building, select_of, tonight_sql
from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.warehouse import (
    SEARCH_PATH,
    SESSION,
    Connection,
    EngineError,
    put_frame,
    query,
    without_values,
)


@contextlib.contextmanager
def overlay(building: Building, **differing: Any) -> Iterator[Building]:
    """A night beside `building` that differs in fields of it (project, catalogue, as_of, artefacts), its tables the same."""
    with _beside(building.connection) as session:
        other = dataclasses.replace(building, connection=session, results={}, notes=[], computed=set())
        turn(other, **differing)
        yield other


def turn(other: Building, **differing: Any) -> None:
    """Let fields of an overlay be others from now on."""
    for name, value in differing.items():
        setattr(other, name, value)
    other.connection.execute(
        f"CREATE OR REPLACE TABLE overlay.main.tonight AS {tonight_sql(other.project, other.as_of)}"
    )


def give(other: Building, relation: str, select: str) -> None:
    """Let a SELECT stand in for a computed relation."""
    other.connection.execute(f"CREATE OR REPLACE TABLE overlay.computed.{relation} AS {select}")
    other.computed.add(relation)


def stand_in(other: Building, inputs: Mapping[str, str]) -> None:
    """Let SELECTs, which name what they read in full, stand in for the tables of their names."""
    for name, select in inputs.items():
        other.connection.execute(f"CREATE OR REPLACE VIEW overlay.main.{name} AS {select}")


def make_anew(other: Building, names: Collection[str]) -> None:
    """Make tables anew from what there is now, in the order in which they can be.

    Raises TableError naming the file where a SELECT cannot be evaluated.
    """
    for name in other.catalogue.order():
        if name in names:
            _make(other, name)


def needed(tables: Catalogue, targets: Collection[str], given: Collection[str]) -> tuple[set[str], set[str]]:
    """What is made anew for the sake of `targets`, and which of the `given` tables that reads."""
    made: set[str] = set()
    read: set[str] = set()
    pending = set(targets)
    while pending:
        name = pending.pop()
        (read if name in given else made).add(name)
        if name not in given:
            pending |= set(tables.reads(name)) - made - read
    return made, read


@contextlib.contextmanager
def _beside(connection: Connection) -> Iterator[Connection]:
    """A second session of the same files, in which an in-memory catalog `overlay` is looked at first; gone at the end."""
    connection.execute("ATTACH ':memory:' AS overlay")
    session = connection.cursor()
    try:
        session.execute(SESSION)
        session.execute("CREATE SCHEMA overlay.computed")
        session.execute(f"SET search_path = 'overlay.main,{SEARCH_PATH}'")
        yield session
    finally:
        session.close()
        connection.execute("DETACH overlay")


def _make(other: Building, name: str) -> None:
    table = other.catalogue.tables[name]
    for relation in other.catalogue.computed_before(name, other.computed):
        step = other.catalogue.computed[relation]
        made = (step.peek or step.make)(other)
        assert made is not None, f"{relation} puts its rows into the night itself: it cannot be asked beside it"
        if isinstance(made, str):
            columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in step.columns.items())
            names = ", ".join(step.columns)
            select = f"SELECT {columns} FROM ({_beside_it(made)}) AS made ({names})"
            other.connection.execute(f"CREATE OR REPLACE TABLE overlay.computed.{relation} AS {select}")
        else:
            put_frame(other.connection, f"overlay.computed.{relation}", made.select(list(step.columns)), step.columns)
    try:
        # What was stood in for may be read while the table is made.
        select = _beside_it(select_of(other, table))
        other.connection.execute(f"CREATE OR REPLACE TABLE overlay.main.made_anew AS {select}")
        stood_in = query(
            other.connection, "SELECT 1 FROM duckdb_views() WHERE database_name = 'overlay' AND view_name = ?", [name]
        )
        other.connection.execute(f"DROP {'VIEW' if stood_in else 'TABLE'} IF EXISTS overlay.main.{name}")
        other.connection.execute(f"ALTER TABLE overlay.main.made_anew RENAME TO {name}")
    except EngineError as error:
        raise TableError(
            without_values(error), fix="correct the SELECT; `personalize check` tries it", where=table.path
        ) from None


def _beside_it(select: str) -> str:
    """A SELECT that reads the computed relations of the overlay."""
    tree = sqlglot.parse_one(select, dialect="duckdb")
    for read in [read for read in tree.find_all(exp.Table) if read.db == "computed"]:
        read.set("catalog", exp.to_identifier("overlay"))
    return tree.sql("duckdb")

"""What a phase is made of, in data: its SELECT files, and the plain functions that some of them need first.

Belongs here: the shape. Does not belong here: any particular phase, and running one (foundation.building).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from personalization_pipeline import PHASES
from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.tables import Table, in_order, read_tables

if TYPE_CHECKING:
    import polars as pl

    from personalization_pipeline.foundation.building import Building
    from personalization_pipeline.foundation.project import Project


# Reading what has landed makes facts.<entity>; whoever reads a fact needs this table first.
FACTS_COME_FROM = "files"


@dataclass(frozen=True)
class Computed:
    """A relation `computed.<name>` that Python makes just before the table that reads it.

    `reads` are the tables that `make` looks at (lineage cannot be parsed from Python), `columns` its column types.
    `after` are computed relations that must be made first.
    `make` returns a frame, or a SELECT, which names what it reads as table files do; None where it has put the rows there
    itself. Where it also leaves files behind, `peek` gives the same rows without them.
    """

    make: Callable[[Building], pl.DataFrame | str | None]
    columns: Mapping[str, str]
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    peek: Callable[[Building], pl.DataFrame | str | None] | None = None


@dataclass(frozen=True)
class Slots:
    """The slots of one table: `fill` gives the SQL text of each; `reads` the tables that it looks at."""

    fill: Callable[[Building], Mapping[str, str]]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phase:
    """One room of the house."""

    name: str
    computed: Mapping[str, Computed] = field(default_factory=dict)
    slots: Mapping[str, Slots] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return Path(__file__).parent.parent / self.name / "tables"

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The phase's own tables, read once: they are part of the package."""
        return read_tables(self.folder, self.name)


@dataclass(frozen=True)
class Catalogue:
    """All tables of the package and of one project, with what they read, in the order in which they can be built."""

    tables: Mapping[str, Table]
    computed: Mapping[str, Computed]
    slots: Mapping[str, Slots]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the tables that are joined into `features`."""
        return tuple(sorted(name for name, table in self.tables.items() if table.is_feature))

    def reads(self, name: str) -> tuple[str, ...]:
        """Tables that a table needs before it: by its SELECT, by its computed relations, by its slots."""
        return self._lineage[name]

    @cached_property
    def _lineage(self) -> dict[str, tuple[str, ...]]:
        return {name: self._reads(name) for name in self.tables}

    def _reads(self, name: str) -> tuple[str, ...]:
        table = self.tables[name]
        found = set(table.reads())
        if table.reads("facts"):
            found.add(FACTS_COME_FROM)
        if "feature_tables" in table.slots:
            found |= set(self.features)
        for relation in self.computed_before(name):
            found |= set(self.computed[relation].reads)
        if name in self.slots:
            found |= set(self.slots[name].reads)
        return tuple(sorted(found & set(self.tables)))

    def computed_before(self, name: str, given: Collection[str] = ()) -> list[str]:
        """The computed relations that a table needs, in the order in which they are made; without those that are `given`."""
        found: dict[str, tuple[str, ...]] = {}
        waiting = set(self.tables[name].reads("computed")) - set(given)
        while waiting:
            relation = waiting.pop()
            found[relation] = self.computed[relation].after
            waiting |= set(found[relation]) - found.keys() - set(given)
        return in_order(found)

    def reads_facts(self, name: str) -> bool:
        """Whether a table is made of landed facts themselves, in its SELECT or in the Python before it."""
        table = self.tables[name]
        computed = [self.computed[relation] for relation in self.computed_before(name)]
        return bool(table.reads("facts")) or any(FACTS_COME_FROM in step.reads for step in computed)

    @cached_property
    def comments(self) -> dict[str, dict[str, str]]:
        """Per table what its columns mean: in its own words, else in those of the tables that it reads."""
        found: dict[str, dict[str, str]] = {}
        for name in self.order():
            read = {column: text for upstream in self.reads(name) for column, text in found[upstream].items()}
            found[name] = read | dict(self.tables[name].comments)
        return found

    def order(self) -> list[str]:
        return in_order({name: self.reads(name) for name in self.tables})

    def downstream(self, names: set[str]) -> set[str]:
        """All tables that read any of these, directly or not."""
        found: set[str] = set()
        for name in self.order():
            if set(self.reads(name)) & (names | found) and name not in names:
                found.add(name)
        return found


def catalogue(project: Project) -> Catalogue:
    """Every phase's tables, and the project's features among them."""
    phases = [import_module(f"personalization_pipeline.{name}.steps").PHASE for name in PHASES]
    tables = {name: table for phase in phases for name, table in phase.tables.items()}
    for name in sorted(set(tables) & set(project.features)):
        raise TableError(
            f"{name} is a table of the package", fix="give the file another name", where=project.file("features", name)
        )
    for table in tables.values():
        if table.is_view and not all(name in tables and tables[name].is_private for name in table.reads()):
            raise TableError("is a view of more than private tables", fix="make it a table", where=table.path)
    return Catalogue(
        tables={**tables, **project.features},
        computed={name: step for phase in phases for name, step in phase.computed.items()},
        slots={name: slot for phase in phases for name, slot in phase.slots.items()},
    )

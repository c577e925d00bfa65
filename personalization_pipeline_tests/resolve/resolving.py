"""Nights of phase resolve alone, one after the other, over contacts that a test gives.

Belongs here: building the tables of such nights and reading them. Does not belong here: any expectation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from personalization_pipeline.foundation.building import Building, build, prepare, rehearse
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import put_frame, query
from personalization_pipeline.ingest.steps import EMPTY_FACTS

MADE = (
    "standardised",
    "standard_addresses",
    "corrections",
    "shared_values",
    "compared_records",
    "edges",
    "comparison_levels",
    "edge_evidence",
    "inner_pairs",
    "clusters",
    "records",
    "former_ids",
    "person_history",
    "person_ids",
    "identifiers",
    "visitors",
    "people_words",
    "people_fields",
    "people",
    "increments",
    "identity_weights",
    "weight_bands",
    "identity_figures",
)
EQUAL = (
    "standardised",
    "standard_addresses",
    "compared_records",
    "edges",
    "inner_pairs",
    "clusters",
    "identity_weights",
    "weight_bands",
    "identity_figures",
)
Rows = list[tuple[Any, ...]]


class Resolving:
    """Nights of phase resolve, one after the other, over contacts that a test gives."""

    def __init__(self, project: Path, folder: Path) -> None:
        loaded = load_project(project)
        self.building: Building = rehearse(loaded, catalogue(loaded), EMPTY_FACTS)
        self.building.folder = folder  # no rehearsal any more: the Python steps run
        self.day, self.has_yesterday = 0, False

    def forget(self) -> None:
        """Yesterday knew nothing."""
        self.has_yesterday = False

    def night(self, contacts: pl.DataFrame) -> dict[str, Rows]:
        """Resolve these contacts on the next day; every table's rows, sorted. The night after this one remembers them."""
        building, c = self.building, self.building.connection
        self.day += 1
        building.as_of = building.as_of.replace(day=self.day)
        prepare(building)
        remembered = [table for name in MADE if (table := building.catalogue.tables[name]).memory]
        for table in remembered if self.has_yesterday else []:
            columns = ", ".join(table.memory)
            c.execute(f"CREATE OR REPLACE TABLE run.main.last_{table.name} AS SELECT {columns} FROM {table.target}")
            c.execute(f"CREATE OR REPLACE VIEW yesterday.main.{table.name} AS FROM run.main.last_{table.name}")
        put_frame(c, "run.main.given", contacts)
        kinds = building.columns("contacts")
        chosen = ", ".join(
            f"CAST({name if name in contacts.columns else 'NULL'} AS {k}) AS {name}" for name, k in kinds.items()
        )
        c.execute(f"CREATE OR REPLACE TABLE private.main.contacts AS SELECT {chosen} FROM run.main.given")
        for name in MADE:
            built = build(building, name)
            assert [verdict for verdict in built.verdicts if not verdict.passed and verdict.severity == "error"] == []
        self.has_yesterday = True
        return {name: self.rows(name) for name in MADE}

    def rows(self, name: str) -> Rows:
        target = self.building.catalogue.tables[name].target
        return query(self.building.connection, f"FROM {target} ORDER BY ALL")


def partition(records: Rows) -> set[frozenset[str]]:
    """Who is with whom, whatever they are called."""
    people: dict[str, set[str]] = {}
    for key, person, *_ in records:
        people.setdefault(person, set()).add(key)
    return {frozenset(keys) for keys in people.values()}


def done(made: dict[str, Rows]) -> dict[str, tuple[int, int]]:
    """Per kind of work: all, done tonight."""
    return {work: (total, count) for _, work, total, count in made["increments"]}

"""Fixtures that several test folders share."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from personalization_pipeline.foundation.building import Building, prepare, rehearse
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import put_table, query
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.running import run_night
from personalization_pipeline.starting import start_demo, start_project

Night = Callable[..., tuple[int, str]]
# Three customers as the starter project's one source has them.
CUSTOMERS = """\
id,first_name,last_name,email,phone,country,newsletter,updated_at
1,Ann,Berg,ann@mail.example,,DE,yes,2026-01-01 10:00:00
2,Bob,Holm,bob@mail.example,,GB,yes,2026-01-01 10:00:00
3,Cleo,Roux,cleo@mail.example,,FR,no,2026-01-01 10:00:00
"""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data for development, beside the repository; not everybody has it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the development data at {folder}; the package itself does not")
    return folder


def build_night(project: Path, as_of: str = "", *, train: bool = False) -> tuple[int, str]:
    """Build one night in this process: exit code, and everything that was said."""
    said = io.StringIO()
    console = Console(file=said, width=200)
    code = run_night(load_project(project), as_of, train=train, out=console, err=console)
    return code, said.getvalue()


@pytest.fixture(scope="session")
def night() -> Night:
    """`night(project, as_of="", train=False)` builds one night and returns exit code and words."""
    return build_night


@pytest.fixture(scope="session")
def demo_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo project of 200 people with one committed night. Shared: read it, never change it."""
    folder = tmp_path_factory.mktemp("demo") / "shop"
    start_demo(folder, people=200, seed=7)
    code, said = build_night(folder)
    assert code == 0, said
    return folder


@pytest.fixture
def demo_copy(demo_night: Path, tmp_path: Path) -> Path:
    """A copy of the built demo that a test may change."""
    return Path(shutil.copytree(demo_night, tmp_path / "shop", symlinks=True))


# Computed relations that follow from tables alone: what of them is new, and for records all of them.
FOLLOWS = ("contact_digests", "changed_contacts", "changed_people", "unsettled_records")


class HandMade:
    """Single tables over rows that a test writes out; every table that it gives no rows is empty.

    `put` replaces what a SELECT reads, named as SELECTs name it (`people`, `facts.orders`, `yesterday.records`,
    `computed.clusters`); `make` builds one table from that and returns the columns asked for, sorted. What is FOLLOWS
    of these rows is made as in a night, unless it is given.
    """

    def __init__(self, folder: Path) -> None:
        project = load_project(folder)
        self.building: Building = rehearse(project, catalogue(project), EMPTY_FACTS)
        self.connection = self.building.connection
        self.given: set[str] = set()

    def tonight(self, as_of: str) -> None:
        """Set the moment of the night (naive UTC); to be called first, because it forgets what yesterday had."""
        self.building.as_of = datetime.fromisoformat(as_of)
        prepare(self.building)

    def put(self, name: str, columns: str, *rows: tuple[object, ...]) -> None:
        """The rows of one relation; columns that are not named are NULL."""
        self.given.add(name)
        space, _, table = name.rpartition(".")
        target = f"{space}.main.{table}" if space else self.building.catalogue.tables[name].target
        if space == "yesterday":
            kinds = self.building.catalogue.tables[table].memory
            typed = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in kinds.items())
            view, target = target, f"run.main.{table}_before"
            self.connection.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT {typed} WHERE false")
            self.connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {target}")
        self.connection.execute(f"DELETE FROM {target}")
        if rows:
            marks = ", ".join("?" for _ in columns.split(", "))
            self.connection.executemany(f"INSERT INTO {target} ({columns}) VALUES ({marks})", rows)

    def make(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Build one table and read it."""
        for relation in self.building.catalogue.computed_before(name):
            if relation in FOLLOWS and f"computed.{relation}" not in self.given:
                self.connection.execute(f"DELETE FROM computed.main.{relation}")
                self.connection.execute(f"INSERT INTO computed.main.{relation} {self._following(relation)}")
        table = self.building.catalogue.tables[name]
        slots = self.building.catalogue.slots
        sql = table.filled(slots[name].fill(self.building)) if name in slots else table.sql
        put_table(self.connection, table.target, sql, "", {}, is_view=table.is_view)
        return query(self.connection, f"SELECT {columns} FROM {table.target} ORDER BY ALL")

    def _following(self, relation: str) -> str:
        if relation == "unsettled_records":
            return "SELECT record_key FROM clusters UNION SELECT record_key FROM yesterday.records"
        select = self.building.catalogue.computed[relation].make(self.building)
        assert isinstance(select, str)
        return select


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """A new project as `personalize init` writes it: one source of customers, one segment, one audience; no night yet."""
    start_project(tmp_path / "starter")
    return tmp_path / "starter"


@pytest.fixture
def by_hand(starter: Path) -> Iterator[HandMade]:
    """Single tables of the starter project over rows that the test writes out."""
    made = HandMade(starter)
    yield made
    made.connection.close()

"""Every table of the package, and every feature of the projects in the repository, built over no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalization_pipeline.foundation.building import Building, rehearse
from personalization_pipeline.foundation.phases import Catalogue, catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.tables import Table
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.starting import DEMO_PROJECT

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "personalization_pipeline"
TABLES = [(DEMO_PROJECT, path.stem) for path in sorted(PACKAGE.glob("*/tables/*.sql"))]
TABLES += [(path.parents[1], path.stem) for path in sorted(ROOT.glob("data/*/features/*.sql"))]

Rehearsals = Callable[[Path], Building]


@dataclass(frozen=True)
class Rehearsed:
    """One table with the columns that it gets."""

    table: Table
    columns: dict[str, str]
    catalogue: Catalogue

    @property
    def reads(self) -> tuple[str, ...]:
        return self.catalogue.reads(self.table.name)


@pytest.fixture(scope="session")
def rehearsals() -> Iterator[Rehearsals]:
    """`rehearsals(folder)`: a project's tables, built over no rows, once."""
    built: dict[Path, Building] = {}

    def of(folder: Path) -> Building:
        if folder not in built:
            project = load_project(folder)
            built[folder] = rehearse(project, catalogue(project), EMPTY_FACTS)
        return built[folder]

    yield of
    for building in built.values():
        building.connection.close()


@pytest.fixture(params=TABLES, ids=lambda found: found[1])
def rehearsed(request: pytest.FixtureRequest, rehearsals: Rehearsals) -> Rehearsed:
    """One table after the other."""
    folder, name = request.param
    building = rehearsals(folder)
    return Rehearsed(building.catalogue.tables[name], building.columns(name), building.catalogue)

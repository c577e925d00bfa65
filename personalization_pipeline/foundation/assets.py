"""The wiring that all phases share: the warehouse as a Dagster resource, a table as a Dagster asset.

Belongs here: what turns a Table into an asset with its checks, schema, row count and plots.
Does not belong here: any table, and anything that would work without Dagster.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr

from personalization_pipeline.foundation import night, opening
from personalization_pipeline.foundation.building import Building, Built, build
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.phases import Catalogue, catalogue
from personalization_pipeline.foundation.plots import as_markdown, draw
from personalization_pipeline.foundation.project import Project, load_project
from personalization_pipeline.foundation.tables import Table
from personalization_pipeline.foundation.warehouse import Connection

AS_OF_TAG = "personalization/as_of"
CHECK = "checks"
Progress = Callable[[str, str, int], None]


class Warehouse(DuckDBResource):
    """The night that is being built. Set up once per run: it takes the store's lock, resolves as_of, opens the folder.

    `database` is the analysts' file of the current night: what a plain DuckDBResource would open read-only.
    """

    project: str = Field(description="Folder of the project")
    as_of: str = Field(
        default="", description="The moment the night is about; blank: the run's tag, the demo's pin, now"
    )
    train: bool = Field(default=False, description="Train the models anew instead of using yesterday's")
    _building: Building | None = PrivateAttr(default=None)
    _held: contextlib.ExitStack = PrivateAttr(default_factory=contextlib.ExitStack)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        project = load_project(Path(self.project))
        tables = catalogue(project)
        self._held.enter_context(night.locked(night.Store(project.store)))
        try:
            self._building = self._open(project, tables, context.run)
        except BaseException:
            self._held.close()
            raise

    def _open(self, project: Project, tables: Catalogue, run: dg.DagsterRun | None) -> Building | None:
        """The whole night, or the part of one that this run selects."""
        asked = self.as_of or (run.tags.get(AS_OF_TAG) if run else None)
        selected = _selected(tables, run)
        if selected >= set(tables.tables):
            building = opening.open_night(project, tables, night.choose_as_of(project, asked))
            building.retrain = self.train
            return building
        if self.train:
            raise MissingArgument("a part of a night trains nothing", fix="run the whole job to train, or leave it")
        as_of = night.choose_as_of(project, asked) if asked else None
        return opening.open_part(project, tables, selected, as_of, resumes=bool(run and run.parent_run_id))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._building is not None:
            self._building.connection.close()
        self._held.close()

    @property
    def building(self) -> Building:
        """The night in the making. Raises MissingArgument where a run selects no table and there is nothing to go on with."""
        if self._building is None:
            raise MissingArgument("no night is in the making", fix="select tables as well, or run the whole job")
        return self._building

    @contextlib.contextmanager
    def get_connection(self) -> Iterator[Connection]:
        """The building connection, for assets that engineers add themselves."""
        yield self.building.connection


def _selected(tables: Catalogue, run: dg.DagsterRun | None) -> set[str]:
    """Tables that a run builds: a step is named as its asset. What a schedule or sensor asks for names assets, not steps."""
    assets = [key.path[-1] for key in (run and run.asset_selection) or ()]
    named = (run and run.step_keys_to_execute) or assets or tables.tables
    return set(named) & set(tables.tables)


def warehouse_of(project: Project, *, train: bool = False) -> Warehouse:
    """The warehouse resource of one project."""
    return Warehouse(database=current_database(project), project=str(project.folder), train=train)


def current_database(project: Project) -> str:
    """The analysts' file of the current night."""
    return str(night.Store(project.store).pointer / "warehouse.duckdb")


def phase_assets(tables: Catalogue, phase: str, progress: Progress) -> list[dg.AssetsDefinition]:
    """One asset per table of a phase."""
    return [_table_asset(tables, table, progress) for table in tables.tables.values() if table.phase == phase]


def _table_asset(tables: Catalogue, table: Table, progress: Progress) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        group_name=table.phase,
        deps=list(tables.reads(table.name)),
        description=table.description,
        owners=[table.owner] if table.owner else None,
        kinds={"duckdb"},
        tags={"personal_data": "yes"} if table.is_private else None,
        check_specs=[dg.AssetCheckSpec(CHECK, asset=table.name)] if table.checks else None,
        required_resource_keys={"warehouse"},
    )
    def _asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        building: Building = context.resources.warehouse.building
        built = build(building, table.name)
        progress(table.phase, table.name, built.row_count)
        yield dg.MaterializeResult(
            metadata=_metadata(building, table, built), check_results=[_check(built)] if table.checks else []
        )

    return _asset


def _metadata(building: Building, table: Table, built: Built) -> dict[str, Any]:
    meanings = building.catalogue.comments[table.name]
    columns = [dg.TableColumn(name, kind, description=meanings.get(name)) for name, kind in built.columns.items()]
    plots = {f"plot_{i + 1}": draw(building, table, plot) for i, plot in enumerate(table.plots)}
    return {
        "dagster/row_count": built.row_count,
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": table.target,
        **{name: dg.MetadataValue.md(as_markdown(svg)) for name, svg in plots.items() if svg},
    }


def _check(built: Built) -> dg.AssetCheckResult:
    """All checks of a table as one result. It never blocks by itself: the gate in publish reads the verdicts."""
    failed = [verdict for verdict in built.verdicts if not verdict.passed]
    worst = dg.AssetCheckSeverity.ERROR if any(v.severity == "error" for v in failed) else dg.AssetCheckSeverity.WARN
    rows = [
        dg.TableRecord({"check": v.check, "value": v.value, "passed": v.passed, "severity": v.severity})
        for v in built.verdicts
    ]
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not failed,
        severity=worst,
        metadata={"verdicts": dg.MetadataValue.table(rows), "failed": len(failed)},
    )

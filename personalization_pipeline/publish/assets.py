"""Phase publish in Dagster, beyond its tables: gate, report, commit and delivery, in this order.

Belongs here: wiring. Does not belong here: what each of the four does (the modules beside this one).
"""

from pathlib import Path
from typing import Any

import dagster as dg

from personalization_pipeline.foundation import night
from personalization_pipeline.foundation.assets import Progress
from personalization_pipeline.foundation.building import Building, complete
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.publish.delivery import deliver
from personalization_pipeline.publish.gate import pass_gate
from personalization_pipeline.publish.record import record_of
from personalization_pipeline.publish.report import write_report

OWNER = "team:data-engineering"


def assets(tables: Catalogue, progress: Progress) -> list[dg.AssetsDefinition]:
    """The last four assets of a night."""

    @dg.asset(group_name="publish", deps=list(tables.tables), owners=[OWNER], required_resource_keys={"warehouse"})
    def gate(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """Reads the verdicts on all checks and whether the ledger adds up; fails the run where they do not hold."""
        warnings = pass_gate(_building(context))
        progress("publish", "gate", len(tables.tables))
        return dg.MaterializeResult(metadata={"warnings": dg.MetadataValue.json(warnings)})

    @dg.asset(group_name="publish", deps=[gate], owners=[OWNER], required_resource_keys={"warehouse"})
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """report.html: what came in, who it is, who is reached and why not, in one page that needs no server."""
        path = write_report(_building(context))
        progress("publish", "report", 1)
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path))})

    @dg.asset(group_name="publish", deps=[report], owners=[OWNER], required_resource_keys={"warehouse"})
    def committed_night(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The night becomes the current one, in one atomic step; readers of the last night keep theirs."""
        building = _building(context)
        folder = night.commit(building, record_of(building, pass_gate(building)))
        progress("publish", "committed_night", 1)
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(folder))})

    @dg.asset(group_name="publish", deps=[committed_night], owners=[OWNER], required_resource_keys={"warehouse"})
    def pushed_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """Each certified file of the current night in its destination's folder, with a receipt; what has one is not pushed again."""
        project = load_project(Path(context.resources.warehouse.project))
        current = night.Store(project.store).current()
        done = deliver(project, current) if current else []
        progress("publish", "pushed_files", sum(delivery.is_new for delivery in done))
        return dg.MaterializeResult(metadata={"files": dg.MetadataValue.json([str(d.target) for d in done])})

    return [gate, report, committed_night, pushed_files]


def _building(context: dg.AssetExecutionContext) -> Building:
    """The night in the making, with the verdicts on all its tables, whichever run has built them."""
    building: Building = context.resources.warehouse.building
    complete(building)
    return building

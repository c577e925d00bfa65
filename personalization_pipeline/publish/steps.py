"""The Python steps of phase publish: which sources bring money."""

from __future__ import annotations

from collections.abc import Mapping

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.phases import Phase, Slots
from personalization_pipeline.foundation.warehouse import literal


def _order_sources(building: Building) -> Mapping[str, str]:
    names = [name for name, source in building.project.sources.items() if source.rows_are == "order_lines"]
    listed = ", ".join(literal(name) for name in names)
    return {"order_sources": f"SELECT unnest(CAST([{listed}] AS VARCHAR[])) AS source"}


PHASE = Phase("publish", slots={"ledger": Slots(_order_sources)})

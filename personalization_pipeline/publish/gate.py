"""The gate: reads every verdict of the night and alone decides whether it is committed.

Belongs here: the decision and its words. Does not belong here: measuring (foundation.building), committing (foundation.night).
"""

from __future__ import annotations

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.errors import GateRefused
from personalization_pipeline.foundation.warehouse import query


def pass_gate(building: Building) -> list[str]:
    """Return what is only to be told (warnings), or raise GateRefused naming each table that keeps the night back."""
    failed = [
        f"{name}: {verdict.check} is not so (measured {verdict.value:g})"
        for name, built in sorted(building.results.items())
        for verdict in built.verdicts
        if not verdict.passed and verdict.severity == "error"
    ]
    failed += [
        f"flow {flow!r} does not add up: {rows} rows and {amount} of money are missing between {before} and {after}"
        for flow, rows, amount, before, after in _rests(building)
    ]
    failed += [f"{name} is stale: build it from what its inputs are now" for name in sorted(building.stale)]
    if failed:
        raise GateRefused(
            "the night is not committed: " + "; ".join(failed),
            fix="look at these tables in the Dagster UI or in the folder below; the last good night stays current",
            where=building.folder,
        )
    return [
        f"{name}: {verdict.check} is not so (measured {verdict.value:g})"
        for name, built in sorted(building.results.items())
        for verdict in built.verdicts
        if not verdict.passed
    ]


def _rests(building: Building) -> list[tuple[str, int, str, str, str]]:
    """Flow, missing rows, missing money, and phase and table on both sides."""
    found = query(
        building.connection,
        """
WITH places AS (
    SELECT flow, side, string_agg(DISTINCT phase || '.' || table_name, ', ' ORDER BY phase || '.' || table_name) AS tables
    FROM ledger
    GROUP BY flow, side
)
SELECT flow, rest_count, rest_amount, coalesce(came.tables, 'nowhere'), coalesce(went.tables, 'nowhere')
FROM ledger_rests
LEFT JOIN (SELECT flow, tables FROM places WHERE side = 'in') AS came USING (flow)
LEFT JOIN (SELECT flow, tables FROM places WHERE side = 'out') AS went USING (flow)
WHERE rest_count <> 0 OR rest_amount <> 0
ORDER BY flow""",
    )
    return [(flow, rows, str(amount), before, after) for flow, rows, amount, before, after in found]

"""The Python steps of phase segment: which tables of features there are, and what the segments' rules ask."""

from __future__ import annotations

from collections.abc import Mapping

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.checked_rules import rules_of
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.phases import Computed, Phase, Slots
from personalization_pipeline.foundation.rules import Rule
from personalization_pipeline.foundation.warehouse import literal
from personalization_pipeline.segment import causes


def _feature_tables(building: Building) -> Mapping[str, str]:
    """All tables of features side by side, one row per known person. Raises ProjectError where two name a column alike."""
    joins, owners = [], {"person_id": "people"}
    chosen = ["people.person_id"]
    for name in sorted(building.catalogue.features):
        table = building.catalogue.tables[name]
        columns = building.columns(name)
        if "person_id" not in columns:
            raise ProjectError("has no column person_id", fix="select people.person_id first", where=table.path)
        for column in columns:
            if column != "person_id" and column in owners:
                raise ProjectError(
                    f"column {column!r} exists already, in {owners[column]}",
                    fix="give it another name",
                    where=table.path,
                )
            owners.setdefault(column, name)
        chosen.append(f"{name}.* EXCLUDE (person_id)")
        joins.append(f"LEFT JOIN {name} ON {name}.person_id = people.person_id")
    return {"feature_tables": f"SELECT {', '.join(chosen)} FROM people {' '.join(joins)} WHERE people.kind = 'known'"}


def segment_rules(building: Building) -> dict[str, Rule]:
    """The rule of each segment; it sees people and features only."""
    return rules_of(building, "segments", building.project.segments, "features", None)


def names_that_apply(rules: Mapping[str, Rule]) -> str:
    """SQL: the list of names whose rule is true for a row (NULL where it is not)."""
    cases = ", ".join(f"CASE WHEN {rule.sql} THEN {literal(name)} END" for name, rule in rules.items())
    return f"CAST([{cases}] AS VARCHAR[])"


def _segment_steps(building: Building) -> None:
    members = "SELECT segment AS name, '' AS destination, person_id FROM {}segment_members"
    causes.settle(building, "segment_steps", members.format(""), members.format("yesterday."))


PHASE = Phase(
    "segment",
    computed={"segment_steps": Computed(_segment_steps, causes.STEPS, reads=("segment_members", *causes.READS))},
    slots={
        "events": Slots(lambda building: {"stitching_days": str(building.project.settings.stitching_days)}),
        "features": Slots(_feature_tables, reads=("people",)),
        "segment_members": Slots(lambda building: {"segments": names_that_apply(segment_rules(building))}),
    },
)

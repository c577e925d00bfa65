"""The Python steps of phase segment: which tables of features there are, and what the segments' rules ask."""

from __future__ import annotations

from collections.abc import Mapping

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.checked_rules import checked_rule
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.phases import Phase, Slots
from personalization_pipeline.foundation.rules import Rule
from personalization_pipeline.foundation.warehouse import literal


def _feature_tables(building: Building) -> Mapping[str, str]:
    """All tables of features side by side, one row per person. Raises ProjectError where two name a column alike."""
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
    return {"feature_tables": f"SELECT {', '.join(chosen)} FROM people {' '.join(joins)}"}


def segment_rules(building: Building) -> dict[str, Rule]:
    """The rule of each segment, checked against the features of this night."""
    project, columns = building.project, building.columns("features")
    return {
        name: checked_rule(
            building.connection,
            segment.where,
            columns=columns,
            segments=None,
            where=project.file("segments", name),
            sensitive=project.settings.sensitive,
        )
        for name, segment in project.segments.items()
    }


def names_that_apply(rules: Mapping[str, Rule]) -> str:
    """SQL: the list of names whose rule is true for a row (NULL where it is not)."""
    cases = ", ".join(f"CASE WHEN {rule.sql} THEN {literal(name)} END" for name, rule in rules.items())
    return f"CAST([{cases}] AS VARCHAR[])"


PHASE = Phase(
    "segment",
    slots={
        "features": Slots(_feature_tables, reads=("people",)),
        "segment_members": Slots(lambda building: {"segments": names_that_apply(segment_rules(building))}),
    },
)

"""What the project's audience and destination files ask for, as data that SELECTs can join.

Belongs here: plans, rules, holdout constants. Does not belong here: rendering (activate.delivery_files).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.checked_rules import checked_rule
from personalization_pipeline.foundation.rules import Rule
from personalization_pipeline.foundation.warehouse import literal
from personalization_pipeline.segment.steps import names_that_apply

PLANS = {
    "audience": "VARCHAR",
    "destination": "VARCHAR",
    "use_case": "VARCHAR",
    "goal": "VARCHAR",
    "kpi": "VARCHAR",
    "owner": "VARCHAR",
    "address_kinds": "VARCHAR[]",
    "purposes": "VARCHAR[]",
    "channels": "VARCHAR[]",
    "is_holdout_used": "BOOLEAN",
}


def plans(building: Building) -> pl.DataFrame:
    """One row per audience and destination of the project, in the order of their names."""
    project = building.project
    rows = [
        {
            "audience": name,
            "destination": target,
            "use_case": audience.use_case,
            "goal": audience.goal,
            "kpi": audience.kpi,
            "owner": audience.owner,
            "address_kinds": list(project.destinations[target].addresses),
            "purposes": [consent.purpose for consent in project.destinations[target].consents],
            "channels": [consent.channel for consent in project.destinations[target].consents],
            "is_holdout_used": audience.use_holdout,
        }
        for name, audience in project.audiences.items()
        for target in audience.destinations
    ]
    texts = pl.List(pl.String)
    return pl.DataFrame(
        rows,
        schema=dict.fromkeys(PLANS, pl.String)
        | {"address_kinds": texts, "purposes": texts, "channels": texts}
        | {"is_holdout_used": pl.Boolean},
        orient="row",
    )


def audience_rules(building: Building) -> dict[str, Rule]:
    """The rule of each audience, checked against the profiles of this night; it may ask for segments."""
    project, columns = building.project, building.columns("profiles")
    return {
        name: checked_rule(
            building.connection,
            audience.where,
            columns=columns,
            segments=project.segments,
            where=project.file("audiences", name),
            sensitive=project.settings.sensitive,
        )
        for name, audience in project.audiences.items()
    }


def audience_slots(building: Building) -> Mapping[str, str]:
    """SQL: the names of the audiences that a profile qualifies for."""
    return {"audiences": names_that_apply(audience_rules(building))}


def holdout_slots(building: Building) -> Mapping[str, str]:
    """SQL: the project's salt and share."""
    holdout = building.project.settings.holdout
    return {"salt": literal(holdout.salt), "share": f"{holdout.share:.6f}"}

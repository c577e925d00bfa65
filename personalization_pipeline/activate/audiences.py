"""What the project's audience and destination files ask for, as data that SELECTs can join.

Belongs here: plans, rules, holdout constants. Does not belong here: rendering (activate.delivery_files).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.checked_rules import rules_of
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
    "brand": "VARCHAR",
    "address_kinds": "VARCHAR[]",
    "purposes": "VARCHAR[]",
    "channels": "VARCHAR[]",
    "is_holdout_used": "BOOLEAN",
}

OFFERS = {
    "offer": "VARCHAR",
    "description": "VARCHAR",
    "owner": "VARCHAR",
    "priority": "BIGINT",
    "valid_from_on": "DATE",
    "valid_to_on": "DATE",
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
            "brand": audience.brand,
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
    """The rule of each audience; it may ask for segments and scores."""
    project = building.project
    return rules_of(building, "audiences", project.audiences, "profiles", project.segments)


def offer_rules(building: Building) -> dict[str, Rule]:
    """The eligibility rule of each offer; it may ask for segments and scores."""
    project = building.project
    return rules_of(building, "offers", project.offers, "profiles", project.segments)


def offers(building: Building) -> pl.DataFrame:
    """One row per offer of the project, in the order of their names."""
    rows = [
        {
            "offer": name,
            "description": offer.description,
            "owner": offer.owner,
            "priority": offer.priority,
            "valid_from_on": offer.valid_from,
            "valid_to_on": offer.valid_to,
        }
        for name, offer in building.project.offers.items()
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(OFFERS, pl.String) | {"priority": pl.Int64}, orient="row")


def offer_slots(building: Building) -> Mapping[str, str]:
    """SQL: the names of the offers that a profile may have."""
    return {"offers": names_that_apply(offer_rules(building))}


def audience_slots(building: Building) -> Mapping[str, str]:
    """SQL: the names of the audiences that a profile qualifies for."""
    return {"audiences": names_that_apply(audience_rules(building))}


def holdout_slots(building: Building) -> Mapping[str, str]:
    """SQL: the project's salt and share."""
    holdout = building.project.settings.holdout
    return {"salt": literal(holdout.salt), "share": f"{holdout.share:.6f}"}

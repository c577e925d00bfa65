"""The Python steps of phase activate, named so that its SELECTs can read them."""

from __future__ import annotations

from personalization_pipeline.activate import audiences, delivery_files
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.phases import Computed, Phase, Slots
from personalization_pipeline.segment import causes


def _audience_steps(building: Building) -> None:
    members = (
        "SELECT audience AS name, '' AS destination, person_id FROM {0}audience_candidates "
        "UNION ALL SELECT audience, destination, person_id FROM {0}audience_members"
    )
    causes.settle(building, "audience_steps", members.format(""), members.format("yesterday."))


PHASE = Phase(
    "activate",
    computed={
        "audience_steps": Computed(
            _audience_steps, causes.STEPS, reads=("audience_candidates", "audience_members", *causes.READS)
        ),
        "audience_plans": Computed(audiences.plans, audiences.PLANS),
        "offers": Computed(audiences.offers, audiences.OFFERS),
        "unmatchable": Computed(
            delivery_files.render_files,
            delivery_files.UNMATCHABLE,
            reads=("member_addresses", "identifiers", "people", "decisions"),
            peek=delivery_files.unmatchable,
        ),
        "certified": Computed(
            delivery_files.certify_files,
            delivery_files.CERTIFIED,
            reads=("audience_waterfall", "audience_members", "audience_plans", "member_addresses", "consent_state"),
        ),
    },
    slots={
        "audience_candidates": Slots(audiences.audience_slots, reads=("profiles",)),
        "decisions": Slots(audiences.offer_slots, reads=("profiles",)),
        "holdout_arms": Slots(audiences.holdout_slots),
    },
)

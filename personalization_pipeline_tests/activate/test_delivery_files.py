"""Rendered files and their certificates: what a file holds, what is never written, and that the proof is counted anew."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.activate.delivery_files import certify_files, render_files
from personalization_pipeline.foundation.errors import GateRefused
from personalization_pipeline_tests.conftest import HandMade

ALLOWED = "audience, destination, person_id, address_kind, address, basis, is_first_to_claim, is_held_out"
STATE = "address, brand, purpose, channel, status, basis"
GOOGLE = """\
description: Customer Match
format: google_customer_match
addresses: [email, phone]
consents:
  - {purpose: ads_sharing, channel: ads}
  - {purpose: ads_personalization, channel: ads}
"""
EVERYBODY = """\
description: d
use_case: u
goal: g
kpi: k
owner: team:x
where: all
destinations: [google]
"""


@pytest.fixture
def tonight(starter: Path, tmp_path: Path) -> Iterator[HandMade]:
    """A night of the starter's newsletter (e-mail, marketing), and of everybody for Google (at least 100 people)."""
    (starter / "destinations" / "google.yaml").write_text(GOOGLE, encoding="utf-8")
    (starter / "audiences" / "everybody.yaml").write_text(EVERYBODY, encoding="utf-8")
    made = HandMade(starter)
    made.building.folder = tmp_path / "20260201T010000Z-r1"
    plans = [
        ("newsletter", "mail_tool", "", ["email"], ["marketing"], ["email"], True),
        ("everybody", "google", "", ["email", "phone"], ["ads_sharing", "ads_personalization"], ["ads", "ads"], True),
    ]
    made.put(
        "audience_plans", "audience, destination, brand, address_kinds, purposes, channels, is_holdout_used", *plans
    )
    yield made
    made.connection.close()


def allow(
    tonight: HandMade, *allowed: tuple[Any, ...], audience: str = "newsletter", target: str = "mail_tool"
) -> None:
    """What the gate let through: person, address, and optionally is_first_to_claim and is_held_out; all consented."""
    rows = [(*row, True, False)[:4] if len(row) == 2 else row for row in allowed]
    people = sorted({row[0] for row in rows})
    tonight.put("audience_candidates", "audience, person_id", *[(audience, person) for person in people])
    kinds = {person_address: person_address.partition(":")[0] for _, person_address, *_ in rows}
    tonight.put(
        "identifiers",
        "person_id, record_key, address_kind, address, value",
        *[(p, f"crm:{p}", kinds[a], a, a.partition(":")[2]) for p, a, *_ in rows],
    )
    tonight.put("people", "person_id, external_id, first_name, country", *[(p, p, f"Ann {p}", "DE") for p in people])
    tonight.put(
        "member_addresses", ALLOWED, *[(audience, target, p, kinds[a], a, "consent", *flags) for p, a, *flags in rows]
    )
    asked = [("marketing", "email"), ("ads_sharing", "ads"), ("ads_personalization", "ads")]
    tonight.put(
        "consent_state",
        STATE,
        *[(a, "", purpose, channel, "granted", "consent") for a in sorted(kinds) for purpose, channel in asked],
    )


def finish(tonight: HandMade) -> list[tuple[Any, ...]]:
    """Render, count the waterfall, certify; what became of whom."""
    lost = render_files(tonight.building)
    tonight.put(
        "computed.unmatchable",
        "audience, destination, person_id, reason",
        *lost.select("audience", "destination", "person_id", "reason").rows(),
    )
    outcomes = tonight.make("audience_waterfall", "person_id, outcome, detail")
    tonight.make("audience_members")
    certify_files(tonight.building)
    return outcomes


def written(tonight: HandMade, name: str = "mail_tool/newsletter.csv") -> Path:
    assert tonight.building.folder is not None
    return tonight.building.folder / "files" / name


def rows(tonight: HandMade) -> list[list[str]]:
    with written(tonight).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_file_holds_the_addresses_that_may_leave_and_no_other(tonight: HandMade) -> None:
    allow(
        tonight,
        ("p1", "email:one@x.example"),
        ("p1", "email:uno@x.example"),
        ("p2", "email:one@x.example", False, False),  # p1 was first
        ("p3", "email:held@x.example", True, True),
    )
    outcomes = finish(tonight)
    assert rows(tonight) == [
        ["email", "first_name", "person_id"],
        ["one@x.example", "Ann p1", "p1"],
        ["uno@x.example", "Ann p1", "p1"],
    ]
    assert outcomes == [("p1", "delivered", ""), ("p2", "duplicate_address", ""), ("p3", "holdout", "")]


def test_an_address_that_the_receiver_could_not_match_is_told_and_kept_out(tonight: HandMade) -> None:
    allow(tonight, ("p1", "email:one@x.example"), ("p2", "email:not-an-address"))
    assert finish(tonight) == [("p1", "delivered", ""), ("p2", "not_matchable", "email_malformed")]
    assert [row[2] for row in rows(tonight)[1:]] == ["p1"]


@pytest.mark.parametrize(("count", "is_written"), [(99, False), (100, True)])
def test_a_list_of_few_is_a_list_of_persons_and_is_not_written(tonight: HandMade, count: int, is_written: bool) -> None:
    people = [(f"p{k:03d}", f"email:mail{k}@x.example") for k in range(count)]
    allow(tonight, *people, ("p999", "email:nobody"), audience="everybody", target="google")
    outcomes = {person: outcome for person, outcome, _ in finish(tonight)}
    assert written(tonight, "google/everybody.csv").exists() == is_written
    assert outcomes.pop("p999") == ("not_matchable" if is_written else "audience_too_small")
    assert set(outcomes.values()) == {"delivered" if is_written else "audience_too_small"}
    assert certify_files(tonight.building).height == is_written


def test_an_audience_of_nobody_leaves_no_file(tonight: HandMade) -> None:
    allow(tonight, ("p1", "email:one@x.example", True, True))
    assert finish(tonight) == [("p1", "holdout", "")]
    assert not written(tonight).exists()


def test_the_certificate_tells_the_waterfall_and_the_grants_and_verifies(tonight: HandMade, starter: Path) -> None:
    people = [(f"p{k}", f"email:mail{k}@x.example") for k in range(4)]
    allow(tonight, *people, ("q1", "email:mail1@x.example", False, False), ("q2", "email:held@x.example", True, True))
    tonight.connection.execute("UPDATE consent_state SET basis = 'declared' WHERE address = 'email:mail3@x.example'")
    outcomes = finish(tonight)
    said = json.loads(written(tonight, "mail_tool/newsletter.csv.manifest.json").read_text(encoding="utf-8"))
    assert said["consent"]["purposes"] == {"marketing": {"consent": 3, "declared": 1, "missing": 0}}
    dropped = {step["reason"]: step["dropped"] for step in said["waterfall"]["steps"]}
    assert (said["waterfall"]["qualified"], said["waterfall"]["delivered"]) == (6, 4)
    assert {reason: count for reason, count in dropped.items() if count} == {"duplicate_address": 1, "holdout": 1}
    assert len(outcomes) == said["waterfall"]["delivered"] + sum(dropped.values())
    assert verify(written(tonight), (starter / ".keys" / "signing.pub").read_text(encoding="utf-8").strip())


@pytest.mark.parametrize(
    "word",
    [
        None,  # nobody ever said a word about the address
        ("email:one@x.example", "", "marketing", "email", "refused", "consent"),
        ("email:one@x.example", "tea", "marketing", "email", "granted", "consent"),  # there is another brand
        ("email:one@x.example", "", "profiling", "email", "granted", "consent"),
        ("email:one@x.example", "", "marketing", "sms", "granted", "consent"),
        ("email:other@x.example", "", "marketing", "email", "granted", "consent"),
    ],
)
def test_where_the_gate_was_wrong_no_certificate_is_signed(tonight: HandMade, word: tuple[str, ...] | None) -> None:
    """The proof does not believe `member_addresses`: it asks the consents again."""
    allow(tonight, ("p1", "email:one@x.example"))
    coffee = ("email:x@x.example", "coffee", "marketing", "email", "refused", "consent")
    tonight.put("consent_state", STATE, coffee, *([word] if word else []))
    with pytest.raises(GateRefused, match="1 delivered without a grant for marketing") as refused:
        finish(tonight)
    assert "one@x.example" not in str(refused.value)
    assert not written(tonight, "mail_tool/newsletter.csv.manifest.json").exists()


def test_a_refusal_of_the_general_kind_outweighs_the_grant_in_the_proof_too(tonight: HandMade) -> None:
    allow(tonight, ("p1", "email:one@x.example"))
    general = ("email:one@x.example", "", "marketing", "any", "refused", "consent")
    grant = ("email:one@x.example", "", "marketing", "email", "granted", "consent")
    tonight.put("consent_state", STATE, grant, general)
    with pytest.raises(GateRefused, match="without a grant"):
        finish(tonight)


def test_the_same_members_in_another_order_give_the_same_bytes(tonight: HandMade) -> None:
    people = [(f"p{k}", f"email:mail{k % 7}{k}@x.example") for k in range(40)]
    allow(tonight, *people)
    finish(tonight)
    before = [
        path.read_bytes() for path in (written(tonight), written(tonight, "mail_tool/newsletter.csv.manifest.json"))
    ]
    allow(tonight, *reversed(people))
    finish(tonight)
    after = [
        path.read_bytes() for path in (written(tonight), written(tonight, "mail_tool/newsletter.csv.manifest.json"))
    ]
    assert after == before


def test_a_file_of_an_earlier_rendering_does_not_stay(tonight: HandMade) -> None:
    allow(tonight, ("p1", "email:one@x.example"))
    finish(tonight)
    assert written(tonight).exists()
    allow(tonight, ("p1", "email:one@x.example", True, True))
    finish(tonight)
    assert not written(tonight).exists()

"""The files of a night: each audience rendered for each of its destinations, each file with its certificate.

Belongs here: fetching members, writing files/<destination>/<audience>.csv and its manifest into the night's folder.
Does not belong here: how a row is rendered (activate.render), what a certificate says (activate.certificate).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from personalization_pipeline.activate.certificate import Origin, certify
from personalization_pipeline.activate.formats import Format, format_for
from personalization_pipeline.activate.manifest import Consent, Grants, Waterfall, manifest_bytes, manifest_path
from personalization_pipeline.activate.render import render
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.keys import load_signing_key
from personalization_pipeline.foundation.warehouse import content_hash, frame, literal, query
from personalization_pipeline.foundation.writes import Kind, remove, write_bytes

TOO_SMALL = "audience_too_small"
# The order in which reasons are asked; the certificate tells them in this order.
OUTCOMES = ("no_address", "no_consent", "duplicate_address", "holdout", TOO_SMALL, "not_matchable")

UNMATCHABLE = {"audience": "VARCHAR", "destination": "VARCHAR", "person_id": "VARCHAR", "reason": "VARCHAR"}
_NOBODY = pl.DataFrame(schema=dict.fromkeys(UNMATCHABLE, pl.String))
CERTIFIED = {
    "audience": "VARCHAR",
    "destination": "VARCHAR",
    "file": "VARCHAR",
    "format": "VARCHAR",
    "person_count": "BIGINT",
    "row_count": "BIGINT",
    "byte_count": "BIGINT",
    "sha256": "VARCHAR",
}


def render_files(building: Building) -> pl.DataFrame:
    """Render every audience; returns the members who are in no row of their file, each with one reason.

    An audience below its destination's minimum is not written at all: a list of few is a list of persons.
    """
    assert building.folder is not None
    # A night that is gone on with may hold files of an earlier rendering.
    remove(building.folder / "files")
    rejects = []
    for audience, destination, content, lost in _renderings(building):
        if content is not None:
            write_bytes(_file(building, audience, destination), content, Kind.FILE, 0o600)
        rejects.append(lost)
    return pl.concat([_NOBODY, *rejects])


def unmatchable(building: Building) -> pl.DataFrame:
    """What `render_files` returns, without a file being written."""
    return pl.concat([_NOBODY, *(lost for *_, lost in _renderings(building))])


def _renderings(building: Building) -> Iterator[tuple[str, str, bytes | None, pl.DataFrame]]:
    """Per audience and destination: the file's content, None where it is too small, and the members who are lost."""
    for audience, destination, format in _jobs(building):
        members = _members(building, audience, destination)
        rendered = render(format, members)
        people = members.select("person_id").unique()
        is_small = people.height - rendered.rejects.height < format.min_audience
        lost = people.with_columns(reason=pl.lit(TOO_SMALL)) if is_small else rendered.rejects
        named = lost.with_columns(audience=pl.lit(audience), destination=pl.lit(destination)).select(list(UNMATCHABLE))
        yield audience, destination, None if is_small else rendered.content, named


def certify_files(building: Building) -> pl.DataFrame:
    """Certify every file that was rendered; one row per file."""
    project, rows = building.project, []
    key = load_signing_key(project.keys, project.settings.is_demo)
    assert building.folder is not None
    for audience, destination, format in _jobs(building):
        file = _file(building, audience, destination)
        if not file.is_file():
            continue
        content = file.read_bytes()
        version = hashlib.sha256(project.file("audiences", audience).read_bytes()).hexdigest()
        origin = Origin(audience, version, building.folder.name, building.as_of)
        fall = _waterfall(building, audience, destination)
        manifest = certify(content, file.name, format, origin, fall, _consent(building, audience, destination), 0, key)
        write_bytes(manifest_path(file), manifest_bytes(manifest), Kind.MANIFEST)
        rows.append(
            {
                "audience": audience,
                "destination": destination,
                "file": file.relative_to(building.folder).as_posix(),
                "format": format.name,
                "person_count": fall.delivered,
                "row_count": manifest["content"]["rows"],
                "byte_count": len(content),
                "sha256": manifest["content"]["sha256"],
            }
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(CERTIFIED, None), orient="row")


def _jobs(building: Building) -> Iterator[tuple[str, str, Format]]:
    project = building.project
    for name, audience in project.audiences.items():
        for target in audience.destinations:
            yield name, target, format_for(project.destinations[target], project.file("destinations", target))


def _file(building: Building, audience: str, destination: str) -> Path:
    assert building.folder is not None
    return building.folder / "files" / destination / f"{audience}.csv"


def _members(building: Building, audience: str, destination: str) -> pl.DataFrame:
    """Members with the addresses that may leave: one row per place, the first e-mail beside the first phone and so on."""
    found = frame(
        building.connection,
        f"""
WITH values_of AS (
    SELECT person_id, address, min(value) AS value
    FROM identifiers
    GROUP BY person_id, address
), usable AS (
    SELECT a.person_id, a.address_kind, v.value,
        row_number() OVER (PARTITION BY a.person_id, a.address_kind ORDER BY a.address) AS place
    FROM member_addresses AS a
    JOIN values_of AS v ON v.person_id = a.person_id AND v.address = a.address
    WHERE a.audience = {literal(audience)} AND a.destination = {literal(destination)}
        AND a.is_first_to_claim AND NOT a.is_held_out
), paired AS (
    SELECT person_id, place,
        max(value) FILTER (address_kind = 'email') AS email,
        max(value) FILTER (address_kind = 'phone') AS phone,
        max(value) FILTER (address_kind = 'record') AS record_id
    FROM usable
    GROUP BY person_id, place
)
SELECT p.person_id, coalesce(p.record_id, people.external_id) AS external_id, p.email, p.phone, people.first_name,
    people.last_name, people.postal_code, people.country, decisions.offer
FROM paired AS p
JOIN people ON people.person_id = p.person_id
LEFT JOIN decisions ON decisions.person_id = p.person_id
ORDER BY p.person_id, p.place""",
    )
    return found.with_columns(pl.all().cast(pl.String))


def _waterfall(building: Building, audience: str, destination: str) -> Waterfall:
    counts = dict(
        query(
            building.connection,
            "SELECT outcome, count(*) FROM audience_waterfall WHERE audience = ? AND destination = ? GROUP BY outcome",
            [audience, destination],
        )
    )
    dropped = [(reason, counts.get(reason, 0)) for reason in OUTCOMES]
    return Waterfall.of(sum(counts.values()), dropped, counts.get("delivered", 0))


def _consent(building: Building, audience: str, destination: str) -> Consent:
    """The proof, counted anew from the delivered people's addresses, not taken from what chose them."""
    rows = query(
        building.connection,
        """
WITH needed AS (
    SELECT unnest(purposes) AS purpose, unnest(channels) AS channel
    FROM audience_plans
    WHERE audience = $audience AND destination = $destination
), known_brands AS (
    SELECT DISTINCT brand FROM consent_state WHERE brand <> ''
), brands AS (
    SELECT coalesce(known_brands.brand, plan.brand) AS brand
    FROM audience_plans AS plan
    LEFT JOIN known_brands ON plan.brand = ''
    WHERE plan.audience = $audience AND plan.destination = $destination
), asked AS (
    SELECT member.person_id, a.address, needed.purpose, needed.channel, brands.brand
    FROM audience_members AS member
    JOIN member_addresses AS a
        ON a.audience = member.audience AND a.destination = member.destination AND a.person_id = member.person_id
        AND a.is_first_to_claim
    CROSS JOIN needed
    CROSS JOIN brands
    WHERE member.audience = $audience AND member.destination = $destination
), given AS (
    SELECT asked.*, max(state.basis) FILTER (state.status = 'granted' AND state.channel IN (asked.channel, 'any')) AS basis
    FROM asked
    JOIN consent_state AS state ON state.address = asked.address AND state.purpose = asked.purpose
    WHERE state.brand IN (asked.brand, '') AND (state.channel IN (asked.channel, 'any') OR asked.channel = 'any')
    GROUP BY ALL
    HAVING NOT bool_or(state.status = 'refused')
), answers AS (
    SELECT person_id, purpose, CASE WHEN count(*) = count(given.basis) THEN max(given.basis) END AS basis
    FROM asked
    LEFT JOIN given USING (person_id, address, purpose, channel, brand)
    GROUP BY person_id, purpose
)
SELECT purpose, count(*) FILTER (basis = 'consent'), count(*) FILTER (basis = 'declared'), count(*) FILTER (basis IS NULL)
FROM answers
GROUP BY purpose
ORDER BY purpose""",
        {"audience": audience, "destination": destination},
    )
    snapshot = hashlib.sha256(content_hash(building.connection, "private.main.consent_state").encode()).hexdigest()
    return Consent(
        snapshot=snapshot,
        purposes={p: Grants(consent=own, declared=declared, missing=none) for p, own, declared, none in rows},
    )

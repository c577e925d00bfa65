"""The Python steps of phase resolve, named so that its SELECTs can read them as computed.<name>.

Each gives what is new tonight; the SELECT beside it adds what holds of yesterday's table.
"""

from __future__ import annotations

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import limits_of
from personalization_pipeline.foundation.phases import Computed, Phase
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve import corrections, drift, limits, memory, review, survivorship, unsettled
from personalization_pipeline.resolve.drift import model
from personalization_pipeline.resolve.households import HOUSEHOLD_RECORDS, NEEDED, put_households
from personalization_pipeline.resolve.overrides import overrides
from personalization_pipeline.resolve.standardise import standardise, standardise_emails, standardise_phones

CONTACT_DIGESTS = {"record_key": "VARCHAR", "contact_digest": "UBIGINT", "said_digest": "UBIGINT"}
CHANGED_PEOPLE = {"person_id": "VARCHAR", "words_digest": "UBIGINT"}
STANDARDISED = {
    "record_key": "VARCHAR",
    "contact_digest": "UBIGINT",
    "first_name_std": "VARCHAR",
    "first_name_roots": "VARCHAR[]",
    "last_name_std": "VARCHAR",
    "email_std": "VARCHAR",
    "email_local": "VARCHAR",
    "phone_std": "VARCHAR",
    "birth_date": "DATE",
    "street_std": "VARCHAR",
    "house_number": "VARCHAR",
    "postal_code_std": "VARCHAR",
    "city_std": "VARCHAR",
    "country_std": "VARCHAR",
    "same_as_key": "VARCHAR",
}
EDGES = {
    "record_key_l": "VARCHAR",
    "record_key_r": "VARCHAR",
    "kind": "VARCHAR",
    "weight": "BIGINT",
    "levels": "TINYINT[]",
    "facts": "BIGINT[]",
    "said": "VARCHAR",
    "artefact_key": "VARCHAR",
}
CHANGED = {"record_key": "VARCHAR"}
OPEN_KEYS = {"record_key": "VARCHAR", "kind": "VARCHAR"}
COMPARISON_LEVELS = {"place": "BIGINT", "comparison": "VARCHAR", "level_number": "TINYINT", "label": "VARCHAR"}
INNER_PAIRS = {"record_key_l": "VARCHAR", "record_key_r": "VARCHAR", "weight": "BIGINT", "facts": "BIGINT[]"}
WRITTEN = {"address_kind": "VARCHAR", "address": "VARCHAR", "country": "VARCHAR", "rules_key": "VARCHAR"}
ADDRESSES = {**WRITTEN, "standard_address": "VARCHAR"}


def _standardised(building: Building) -> pl.DataFrame:
    """Records that are new, or whose contact is not what yesterday compared."""
    contacts = frame(
        building.connection,
        f"SELECT record_key, contact_digest, {memory.COMPARED} FROM contacts "
        "JOIN computed.main.contact_digests USING (record_key) "
        "SEMI JOIN computed.main.changed_contacts USING (record_key) ORDER BY record_key",
    )
    found = standardise(contacts, building.project.settings.default_country or None)
    return found.with_columns(contacts["contact_digest"], contacts["same_as_key"])


def _addresses(building: Building) -> pl.DataFrame:
    """Addresses that nobody wrote so until yesterday, each beside its one standard form; NULL where it is unusable."""
    found = frame(
        building.connection,
        "FROM computed.main.written_addresses "
        "ANTI JOIN yesterday.main.standard_addresses USING (address_kind, address, country, rules_key) ORDER BY ALL",
    )
    emails = found.filter(pl.col("address_kind") == "email")
    phones = found.filter(pl.col("address_kind") == "phone")
    countries = pl.when(pl.col("country") == "").then(pl.lit(building.project.settings.default_country))
    phones = phones.with_columns(read_in=countries.otherwise(pl.col("country")))
    return pl.concat(
        [
            emails.with_columns(standard_address="email:" + standardise_emails(emails["address"])),
            phones.with_columns(
                standard_address="phone:" + standardise_phones(phones["address"], phones["read_in"])
            ).drop("read_in"),
        ]
    )


def _changed_records(building: Building) -> str:
    model(building)
    return memory.changed_records(building.artefact_keys["identity"])


def _edges(building: Building) -> pl.DataFrame:
    """People's word and the keys that sources give, which are few, and what records that are not known ones bring along."""
    from personalization_pipeline.resolve.link import exact_key_edges, given_key_edges, score_pairs

    limits, weighing = limits_of(building.project), model(building)
    compared = frame(building.connection, "FROM compared_records")
    changed = frame(building.connection, "FROM computed.main.changed_records")["record_key"]
    new = compared["record_key"].filter(compared["record_key"].is_in(changed.implode()))
    asked = None if len(new) == compared.height else new
    scored = score_pairs(compared, asked, weighing, threads=limits.threads, memory_limit=limits.memory)
    key = pl.lit(building.artefact_keys["identity"])
    said = corrections.said_edges(frame(building.connection, "FROM corrections WHERE is_followed"))
    exact = exact_key_edges(memory.exact_key_records(building.connection))
    unscored = pl.concat([said, exact, given_key_edges(compared)])
    unscored = unscored.with_columns(artefact_key=pl.lit(None, pl.String))
    return pl.concat([unscored, scored.with_columns(artefact_key=key)])


def _households(building: Building) -> None:
    records = f"SELECT {', '.join(NEEDED)} FROM private.main.standardised JOIN private.main.records USING (record_key)"
    put_households(building.connection, records, "computed.main.household_records")


def _weakest_links(building: Building) -> pl.DataFrame:
    from personalization_pipeline.resolve.components import cut_of
    from personalization_pipeline.resolve.review import WEAK, weakest_links

    below = cut_of(building.project) + WEAK
    ties = (
        f"SELECT record_key_l, record_key_r, weight FROM edges WHERE kind <> '{corrections.NEVER}' "
        "UNION ALL SELECT record_key_l, record_key_r, weight FROM inner_pairs"
    )
    inside = (
        "FROM ({}) AS ties JOIN clusters AS one ON one.record_key = record_key_l "
        "JOIN clusters AS other ON other.record_key = record_key_r AND other.cluster_key = one.cluster_key"
    )
    # Where every tie is strong there is no weak link.
    weak = f"SELECT one.cluster_key {inside.format(f'FROM ({ties}) WHERE weight < {below}')}"
    some = f"SELECT * FROM clusters WHERE cluster_key IN ({weak})"
    pairs = (
        f"WITH clusters AS MATERIALIZED ({some}) "
        f"SELECT record_key_l, record_key_r, max(weight) AS weight, one.cluster_key {inside.format(ties)} "
        "GROUP BY record_key_l, record_key_r, one.cluster_key "
        f"QUALIFY min(max(weight)) OVER (PARTITION BY one.cluster_key) < {below}"
    )
    found = frame(building.connection, pairs)
    return weakest_links(frame(building.connection, some), found, below)


def _level_weights(building: Building) -> pl.DataFrame:
    return drift.level_weights(model(building))


def _comparison_levels(building: Building) -> pl.DataFrame:
    from personalization_pipeline.resolve.link import level_labels

    made = model(building).get("settings", {}).get("comparisons", [])
    rows = [
        (place, comparison["output_column_name"], level, label)
        for place, comparison in enumerate(made, start=1)
        for level, label in level_labels(comparison)
    ]
    return pl.DataFrame(rows, schema=list(COMPARISON_LEVELS), orient="row")


def _weights(building: Building) -> pl.Series:
    return frame(building.connection, "SELECT weight FROM edges WHERE kind = 'splink'")["weight"]


def _weight_bands(building: Building) -> pl.DataFrame:
    return drift.weight_bands(model(building), _weights(building))


def _identity_measures(building: Building) -> pl.DataFrame:
    from personalization_pipeline.resolve.components import cut_of
    from personalization_pipeline.resolve.quality import quality

    c, project = building.connection, building.project
    compared = frame(c, f"SELECT record_key, {', '.join(drift.COMPLETE.values())} FROM compared_records")
    own = overrides(project, building.columns("compared_records"))
    rows = drift.drift(model(building), compared, _weights(building), own)
    rows += quality(c, cut_of(project), project.sources_once)
    return pl.DataFrame(rows, schema=list(drift.MEASURES), orient="row", infer_schema_length=None)


PHASE = Phase(
    "resolve",
    computed={
        "contact_digests": Computed(memory.contact_digests, CONTACT_DIGESTS, reads=("contacts",)),
        "changed_contacts": Computed(memory.changed_contacts, CHANGED, reads=("contacts",), after=("contact_digests",)),
        "standardised": Computed(
            _standardised, STANDARDISED, reads=("contacts",), after=("contact_digests", "changed_contacts")
        ),
        "written_addresses": Computed(memory.written_addresses, WRITTEN, reads=("contacts", "consents")),
        "standard_addresses": Computed(
            _addresses, ADDRESSES, reads=("contacts", "consents"), after=("written_addresses",)
        ),
        "links": Computed(lambda building: corrections.links(building.project), corrections.LINKS),
        "sharing_limits": Computed(lambda _: limits.sharing_limits(), limits.SHARING_LIMITS),
        "role_mailboxes": Computed(lambda _: limits.role_mailboxes(), limits.ROLE_MAILBOXES),
        "household_records": Computed(_households, HOUSEHOLD_RECORDS, reads=("standardised", "records")),
        "field_rules": Computed(survivorship.field_rules, survivorship.FIELD_RULES),
        "source_ranks": Computed(survivorship.source_ranks, survivorship.SOURCE_RANKS),
        "changed_records": Computed(_changed_records, CHANGED, reads=("compared_records",)),
        "open_keys": Computed(memory.open_keys, OPEN_KEYS, reads=("compared_records",), after=("changed_records",)),
        "edges": Computed(
            _edges, EDGES, reads=("compared_records", "corrections"), after=("changed_records", "open_keys")
        ),
        "unsettled_records": Computed(
            unsettled.unsettled_records,
            CHANGED,
            reads=("edges", "standardised"),
            after=("changed_records", "open_keys"),
        ),
        "components": Computed(
            unsettled.components_anew,
            unsettled.COMPONENTS,
            reads=("compared_records", "edges"),
            after=("changed_records", "unsettled_records"),
        ),
        "inner_pairs": Computed(
            unsettled.inner_pairs_anew, INNER_PAIRS, reads=("compared_records", "edges"), after=("components",)
        ),
        "clusters": Computed(
            unsettled.clusters_anew, unsettled.CLUSTERS, reads=("edges", "inner_pairs"), after=("components",)
        ),
        "changed_people": Computed(
            memory.changed_people,
            CHANGED_PEOPLE,
            reads=("contacts", "records", "shared_values", "standardised"),
            after=("contact_digests", "source_ranks"),
        ),
        "level_weights": Computed(_level_weights, drift.WEIGHTS, reads=("compared_records",)),
        "comparison_levels": Computed(_comparison_levels, COMPARISON_LEVELS, reads=("compared_records",)),
        "weight_bands": Computed(_weight_bands, drift.WEIGHT_BANDS, reads=("compared_records", "edges")),
        "identity_measures": Computed(
            _identity_measures, drift.MEASURES, reads=("compared_records", "edges", "clusters")
        ),
        "figure_bounds": Computed(lambda _: drift.figure_bounds(), drift.FIGURE_BOUNDS),
        "weakest_links": Computed(_weakest_links, review.WEAKEST_LINKS, reads=("clusters", "edges", "inner_pairs")),
    },
)

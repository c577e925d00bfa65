"""Which records may be with others tonight than yesterday, and putting them together anew.

Belongs here: what of last night's components stands, and what of a night's tables the rest is made from. Does not belong
here: how components and groups are made (components, cluster).

A component stands where none of its records is changed, shares an exact key with a changed one, was spoken about, or has
an edge to a changed one. Where too many records hung together they are looked at again: what parted them was between
components.
"""

from __future__ import annotations

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import limits_of
from personalization_pipeline.foundation.warehouse import frame, literal
from personalization_pipeline.resolve.cluster import groups
from personalization_pipeline.resolve.components import components, cut_of, inner_pairs, rules_key, with_keys_holding
from personalization_pipeline.resolve.corrections import NEVER, SAME
from personalization_pipeline.resolve.drift import model

ONLY = "SEMI JOIN computed.main.unsettled_records USING (record_key)"
EDGES = "(FROM edges SEMI JOIN computed.main.unsettled_records ON record_key = record_key_l)"
COMPONENTS = {
    "record_key": "VARCHAR",
    "component": "BIGINT",
    "component_cut": "BIGINT",
    "component_digest": "UBIGINT",
    "component_before": "UBIGINT",
}
CLUSTERS = {
    "record_key": "VARCHAR",
    "cluster_key": "VARCHAR",
    "component_cut": "BIGINT",
    "component_digest": "UBIGINT",
    "rules_key": "VARCHAR",
}


def unsettled_records(building: Building) -> str:
    """The records whose component may be another one than yesterday, and those that are gone; all under other rules."""
    return _unsettled(_rules_key(building), cut_of(building.project))


def components_anew(building: Building) -> pl.DataFrame:
    """The components of the unsettled records, as `components` gives them."""
    c, cut, keys = building.connection, cut_of(building.project), "record_key_l, record_key_r, kind, weight"
    settled = "ANTI JOIN computed.main.changed_records USING (record_key)"
    return components(
        with_keys_holding(frame(c, f"SELECT {keys} FROM {EDGES} WHERE kind <> 'splink' OR weight >= {cut}"), cut),
        frame(c, f"SELECT record_key, contact_digest FROM compared_records {ONLY}"),
        model(building),
        frame(c, f"SELECT record_key, component_digest {_clusters_before(building)} {settled}"),
        once=building.project.sources_once,
        cut=cut,
    )


def _clusters_before(building: Building) -> str:
    """SQL: yesterday's clusters of components of three and more that may be others tonight."""
    return f"FROM (FROM yesterday.main.clusters WHERE component_digest IS NOT NULL) {ONLY}"


def inner_pairs_anew(building: Building) -> pl.DataFrame:
    """What pairs inside these components weigh that were in none together, as `inner_pairs` gives them."""
    c, limits = building.connection, limits_of(building.project)
    return inner_pairs(
        frame(c, "FROM computed.main.components"),
        frame(c, f"SELECT record_key_l, record_key_r, kind FROM {EDGES}"),
        frame(c, f"FROM compared_records {ONLY}"),
        model(building),
        threads=limits.threads,
        memory_limit=limits.memory,
    )


def clusters_anew(building: Building) -> pl.DataFrame:
    """The clusters of these components, as `groups` gives them, and by which rules."""
    c, keys, cut = building.connection, "record_key_l, record_key_r", cut_of(building.project)
    said = f"kind IN ('{SAME}', '{NEVER}')"
    edges = frame(c, f"SELECT {keys}, kind, weight, facts FROM {EDGES} WHERE NOT {said}")
    inner = frame(
        c,
        f"SELECT {keys}, weight, facts FROM inner_pairs "
        "SEMI JOIN computed.main.unsettled_records ON record_key = record_key_l",
    )
    found = groups(
        frame(c, "FROM computed.main.components"),
        pl.concat([with_keys_holding(edges, cut).select(inner.columns), inner]),
        frame(c, f"SELECT {keys}, kind FROM edges WHERE {said}"),
        frame(c, _clusters_before(building)),
        once=building.project.sources_once,
        cut=cut,
    )
    return found.with_columns(rules_key=pl.lit(_rules_key(building)))


def _rules_key(building: Building) -> str:
    return rules_key(model(building), building.project.sources_once, cut_of(building.project))


def _unsettled(rules_key: str, cut: int) -> str:
    said = "FROM {}edges WHERE kind IN ('same', 'never')"
    new = f"FROM edges JOIN computed.changed_records ON record_key = {{}} WHERE kind <> 'splink' OR weight >= {cut}"
    return f"""
WITH before AS (
    SELECT record_key, component_cut, coalesce(CAST(component_digest AS VARCHAR), cluster_key) AS component
    FROM yesterday.main.clusters
    WHERE rules_key = {literal(rules_key)}
), touched AS (
    SELECT record_key FROM computed.changed_records
    UNION ALL SELECT record_key FROM computed.open_keys
    UNION ALL SELECT record_key FROM standardised ANTI JOIN before USING (record_key)
    UNION ALL SELECT record_key FROM before WHERE component_cut > {cut}
    UNION ALL SELECT unnest([record_key_l, record_key_r]) {said.format("")}
    UNION ALL SELECT unnest([record_key_l, record_key_r]) {said.format("yesterday.main.")}
    UNION ALL SELECT record_key_r {new.format("record_key_l")}
    UNION ALL SELECT record_key_l {new.format("record_key_r")}
)
SELECT record_key FROM touched
UNION
SELECT record_key
FROM before
SEMI JOIN (SELECT component FROM before SEMI JOIN touched USING (record_key)) USING (component)"""

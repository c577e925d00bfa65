"""The Python steps of phase resolve, named so that its SELECTs can read them as computed.<name>."""

from __future__ import annotations

from typing import Any

import polars as pl

from personalization_pipeline.foundation.artefacts import artefact
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import limits_of
from personalization_pipeline.foundation.phases import Computed, Phase
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve.standardise import standardise, standardise_emails, standardise_phones

CONTACT_COLUMNS = "record_key, first_name, last_name, email, phone, birth_date, street, postal_code, city, country"  # what is compared
STANDARDISED = {
    "record_key": "VARCHAR",
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
}
EDGES = {
    "record_key_l": "VARCHAR",
    "record_key_r": "VARCHAR",
    "kind": "VARCHAR",
    "weight": "BIGINT",
    "evidence": "VARCHAR",
}
CLUSTERS = {"record_key": "VARCHAR", "cluster_key": "VARCHAR", "component_cut": "BIGINT"}
ADDRESSES = {"address_kind": "VARCHAR", "address": "VARCHAR", "country": "VARCHAR", "standard_address": "VARCHAR"}


def _standardised(building: Building) -> pl.DataFrame:
    contacts = frame(building.connection, f"SELECT {CONTACT_COLUMNS} FROM contacts ORDER BY record_key")
    return standardise(contacts, building.project.settings.default_country or None)


def _addresses(building: Building) -> pl.DataFrame:
    """Every e-mail address and phone number of contacts and consents beside its one standard form; unusable ones left out."""
    found = frame(
        building.connection,
        """
SELECT DISTINCT 'email' AS address_kind, email AS address, '' AS country FROM contacts WHERE email IS NOT NULL
UNION
SELECT DISTINCT 'phone', phone, coalesce(country, '') FROM contacts WHERE phone IS NOT NULL
UNION
SELECT DISTINCT consents.address_kind, consents.address,
    CASE consents.address_kind WHEN 'phone' THEN coalesce(contacts.country, '') ELSE '' END
FROM consents
LEFT JOIN contacts ON contacts.record_key = consents.record_key
WHERE consents.address_kind <> 'record'
ORDER BY 1, 2, 3""",
    )
    emails = found.filter(pl.col("address_kind") == "email")
    phones = found.filter(pl.col("address_kind") == "phone")
    countries = pl.when(pl.col("country") == "").then(pl.lit(building.project.settings.default_country))
    phones = phones.with_columns(read_in=countries.otherwise(pl.col("country")))
    standard = pl.concat(
        [
            emails.with_columns(standard_address="email:" + standardise_emails(emails["address"])),
            phones.with_columns(
                standard_address="phone:" + standardise_phones(phones["address"], phones["read_in"])
            ).drop("read_in"),
        ]
    )
    return standard.filter(pl.col("standard_address").is_not_null())


def _model(building: Building) -> dict[str, Any]:
    """The identity artefact of this night; trained only where there is none."""
    from personalization_pipeline.resolve.identity_model import train

    return artefact(building, "identity", lambda: train(_frame(building, "standardised", "record_key"), seed=1))


def _edges(building: Building) -> pl.DataFrame:
    from personalization_pipeline.resolve.link import exact_key_edges, score_pairs

    standardised, limits = _frame(building, "standardised", "record_key"), limits_of(building.project)
    model = _model(building)
    scored = score_pairs(standardised, None, model, threads=limits.threads, memory_limit=limits.memory)
    return pl.concat([exact_key_edges(standardised), scored])


def _clusters(building: Building) -> pl.DataFrame:
    from personalization_pipeline.resolve.cluster import cluster

    edges, limits = _frame(building, "edges", "record_key_l, record_key_r, kind"), limits_of(building.project)
    standardised = _frame(building, "standardised", "record_key")
    return cluster(edges, standardised, _model(building), threads=limits.threads, memory_limit=limits.memory)


def _frame(building: Building, table: str, order: str) -> pl.DataFrame:
    return frame(building.connection, f"SELECT * FROM {table} ORDER BY {order}")


PHASE = Phase(
    "resolve",
    computed={
        "standardised": Computed(_standardised, STANDARDISED, reads=("contacts",)),
        "standard_addresses": Computed(_addresses, ADDRESSES, reads=("contacts", "consents")),
        "edges": Computed(_edges, EDGES, reads=("standardised",)),
        "clusters": Computed(_clusters, CLUSTERS, reads=("standardised", "edges")),
    },
)

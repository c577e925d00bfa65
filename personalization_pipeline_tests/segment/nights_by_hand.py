"""Two nights by hand: yesterday's inputs written out, then what of them is another tonight.

Belongs here: making the tables of a night from rows that a test writes, and letting a night pass. Does not belong here:
any expectation. Tables are made by the package's own SELECTs; only what landed and what resolve concludes is given.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from personalization_pipeline.analyze.value import BgNbd, GammaGamma
from personalization_pipeline.foundation import building as nights
from personalization_pipeline.foundation.artefacts import artefact_file, key_of, text_of
from personalization_pipeline.foundation.building import Building, prepare
from personalization_pipeline.foundation.night import Store, made_of
from personalization_pipeline.foundation.opening import keep_text
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import content_hash, put_frame, query
from personalization_pipeline_tests.conftest import FOLLOWS, HandMade

MADE = [
    "people_fields",
    "people",
    "reach",
    "order_features",
    "person_features",
    "features",
    "segment_members",
    "purchase_summaries",
    "rfm",
    "scores",
    "profiles",
    "audience_plans",
    "offers",
    "audience_candidates",
    "decisions",
    "holdout_arms",
    "member_addresses",
    "audience_waterfall",
    "audience_members",
]
CHANGES = ["segment_changes", "audience_changes", "membership_counts"]
# What a night is given here, besides what it makes itself.
GIVEN = {
    "records": "record_key, person_id",
    "contacts": "record_key, country",
    "standardised": "record_key, country_std, contact_digest",
    "identifiers": "person_id, record_key, address_kind, address, value",
    "consent_state": "address, brand, purpose, channel, status, decided_at, basis",
    "orders": "order_key, person_id",
    "order_lines": "line_key, order_key, person_id, amount, discount_amount, line_kind, occurred_at, occurred_on",
}
NO_MODELS: dict[str, Any] = {
    "bgnbd": BgNbd("not ready").to_dict(),
    "gamma_gamma": GammaGamma("not ready").to_dict(),
    "churn": None,
}


class Shop:
    """What is known: each record's person, country and whether her address may be written to; orders as (record, day)."""

    def __init__(self) -> None:
        self.people: dict[str, str] = {}
        self.mailboxes: dict[str, str] = {}  # of records that share one; every other record has its own
        self.countries: dict[str, str] = {}
        self.granted: set[str] = set()
        self.orders: list[tuple[str, str]] = []

    def add(self, record: str, person: str, *, country: str = "DE", granted: bool = True) -> None:
        """A record of a person."""
        self.people[record], self.countries[record] = person, country
        self.granted |= {record} if granted else set()

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """The rows of one table that a night is given."""
        known = [(number, record, on, self.people[record]) for number, (record, on) in enumerate(self.orders)]
        rows: dict[str, list[tuple[object, ...]]] = {
            "records": list(self.people.items()),
            "contacts": list(self.countries.items()),
            "standardised": [(*row, int.from_bytes(row[1].encode())) for row in self.countries.items()],
            "identifiers": [
                (person, record, "email", f"email:{mailbox}@mail.example", f"{mailbox}@mail.example")
                for record, person in self.people.items()
                for mailbox in [self.mailboxes.get(record, record)]
            ],
            "consent_state": [
                (f"email:{record}@mail.example", "", purpose, "email", status, datetime(2026, 1, 1), "consent")
                for record in self.people
                if record not in self.mailboxes
                for purpose in ("marketing", "profiling")
                for status in ["granted" if record in self.granted else "refused"]
            ],
            "orders": [(f"o{record}-{on}", person) for _, record, on, person in known],
            "order_lines": [
                (f"l{record}-{on}", f"o{record}-{on}", person, 20, 0, "sale", f"{on} 01:00:00", on)
                for _, record, on, person in known
            ],
        }
        return rows[table]


class TwoNights:
    """Yesterday and tonight of one project. `passes()` makes yesterday of what is; `tonight()` tells what changed."""

    def __init__(self, hand: HandMade, folder: Path) -> None:
        self.hand, self.folder, self.shop = hand, folder, Shop()
        self.building: Building = hand.building
        self.building.folder = folder / "night"
        self.models: dict[str, Any] = NO_MODELS
        for catalog in ("last_warehouse", "last_private"):
            hand.connection.execute(f"ATTACH ':memory:' AS {catalog}")

    def make(self, as_of: str) -> None:
        """Make every table of a night but its changes."""
        building = self.building
        building.as_of, project = datetime.fromisoformat(as_of), load_project(building.project.folder)
        if project.features != building.project.features:
            building.catalogue = catalogue(project)
        building.project = project
        building.artefacts["scores"], building.artefact_keys["scores"] = self.models, key_of(self.models)
        prepare(building)
        self.give()
        for name in MADE:
            for relation in building.catalogue.computed_before(name, FOLLOWS):
                step = building.catalogue.computed[relation]
                made = (step.peek or step.make)(building)
                assert isinstance(made, pl.DataFrame)
                put_frame(building.connection, f"computed.main.{relation}", made, step.columns)
            self.hand.make(name)

    def give(self) -> None:
        """Put what landed and what resolve concludes into the night."""
        for table, columns in GIVEN.items():
            self.hand.put(table, columns, *self.shop.rows(table))

    def passes(self, as_of: str = "2026-07-01 02:00:00") -> None:
        """Make a night of what is known, and let it be yesterday."""
        self.make(as_of)
        building, yesterday = self.building, self.folder / "yesterday"
        store = Store(building.project.store)
        for table in building.catalogue.tables.values():
            target = f"last_{table.target}"
            building.connection.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM {table.target}")
        record = {
            "as_of": building.as_of.isoformat(),
            **made_of(building.project),
            "artefacts": {"scores": key_of(self.models)},
            "tables": {"consent_state": {"content": content_hash(building.connection, "private.main.consent_state")}},
        }
        yesterday.mkdir(exist_ok=True)
        (yesterday / "night.json").write_text(json.dumps(record), encoding="utf-8")
        store.artefacts.mkdir(parents=True, exist_ok=True)
        artefact_file(store, "scores", key_of(self.models)).write_text(text_of(self.models), encoding="utf-8")
        keep_text(store, building.project)
        building.yesterday = yesterday

    def tonight(self, as_of: str = "2026-07-02 02:00:00") -> None:
        """Make tonight of what is known now, and its changes."""
        self.make(as_of)
        for name in CHANGES:
            nights.build(self.building, name)

    def changes(self, name: str = "") -> set[tuple[str, str, str]]:
        """person_id, change and cause: of a segment, else of the candidates of the audience."""
        table, what = ("segment_changes", name) if name else ("audience_changes", "newsletter")
        column = "segment = ?" if name else "destination = '' AND audience = ?"
        sql = f"SELECT person_id, change, cause FROM {table} WHERE {column}"
        return set(query(self.building.connection, sql, [what]))

    def delivered(self) -> set[tuple[str, str, str]]:
        """person_id, change and cause of the delivered members."""
        sql = "SELECT person_id, change, cause FROM audience_changes WHERE destination = 'mail_tool'"
        return set(query(self.building.connection, sql))

"""The canonical entities: what entities.yaml says agrees with itself and with what reads it."""

from __future__ import annotations

import pytest

from personalization_pipeline.foundation.declarations import ADDRESS_KINDS, CHANNELS, PURPOSES
from personalization_pipeline.foundation.warehouse import query, scratch_connection
from personalization_pipeline.ingest.entities import Entity, entities
from personalization_pipeline.ingest.mapping import IDS
from personalization_pipeline.ingest.steps import EMPTY_FACTS

ENTITIES = sorted(entities().values(), key=lambda entity: entity.name)


def test_the_entities_are_those_of_the_design() -> None:
    assert [entity.name for entity in ENTITIES] == [
        "consents",
        "contacts",
        "deliveries",
        "events",
        "order_lines",
        "orders",
        "products",
        "reference",
        "traits",
    ]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_an_entity_speaks_of_columns_that_it_has(entity: Entity) -> None:
    spoken_of = {*entity.required, *entity.key, *entity.at, *filter(None, (entity.generated, entity.amount))}
    assert spoken_of <= set(entity.columns)
    assert entity.description


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_an_entity_needs_its_key_and_something_that_cannot_be_generated(entity: Entity) -> None:
    assert set(entity.key) <= set(entity.required)
    assert set(entity.required) - {entity.generated}
    assert entity.generated in {"", *entity.key}


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_moments_are_timestamps_days_are_dates_and_money_is_exact(entity: Entity) -> None:
    for column, kind in entity.columns.items():
        assert kind in ("VARCHAR", "DATE", "TIMESTAMP", "BIGINT", "DECIMAL(18,2)")
        assert column.endswith("_at") == (kind == "TIMESTAMP")
        assert column.endswith("amount") == (kind == "DECIMAL(18,2)")
    assert all(entity.columns[column] == "TIMESTAMP" for column in entity.at)
    assert entity.columns.get(entity.amount, "DECIMAL(18,2)") == "DECIMAL(18,2)"


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_the_moment_of_a_row_is_the_latest_that_it_names_or_none(entity: Entity) -> None:
    values = [f"TIMESTAMP '2026-06-0{i}' AS {column}" for i, column in enumerate(entity.at, start=1)] or ["1 AS none"]
    with scratch_connection(threads=1) as connection:
        found = query(connection, f"SELECT CAST({entity.moment()} AS VARCHAR) FROM (SELECT {', '.join(values)})")
    assert found == [(f"2026-06-0{len(entity.at)} 00:00:00" if entity.at else None,)]


def test_the_words_of_a_consent_are_those_that_destinations_ask_for() -> None:
    words = entities()["consents"].values
    assert (words["address_kind"], words["purpose"], words["channel"]) == (ADDRESS_KINDS, PURPOSES, CHANNELS)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_words_are_listed_for_text_columns_only(entity: Entity) -> None:
    assert all(entity.columns[column] == "VARCHAR" for column in entity.values)


def test_a_short_name_of_a_key_never_hides_a_column() -> None:
    assert not set(IDS) & {column for entity in ENTITIES for column in entity.columns}
    assert set(IDS.values()) <= {column for entity in ENTITIES for column in entity.columns}


def test_facts_that_nobody_delivered_have_the_columns_that_tables_read() -> None:
    assert set(EMPTY_FACTS) == set(entities())
    assert all({"source", "file_key", "row_number"} < set(columns) for columns in EMPTY_FACTS.values())

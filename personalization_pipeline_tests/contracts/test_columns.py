"""Names and types of columns follow one grammar, and the wide table has no column that could name a person.

Belongs here: rules over column names and their types. Does not belong here: what a built file holds (test_analysts_file).
"""

from __future__ import annotations

import re

from personalization_pipeline.ingest.entities import entities
from personalization_pipeline.starting import DEMO_PROJECT
from personalization_pipeline_tests.contracts.conftest import Rehearsals, Rehearsed

INTEGERS = {"INTEGER", "BIGINT", "HUGEINT", "UBIGINT"}
# The grammar's exceptions, each with its reason.
TERMS = {
    "birth_date": "the field's own term",
    "mean_amount": "what the value model is fitted on: floating point on purpose, and never summed",
}
# Columns of a contact that say who or where she is; a country or a language does not.
NAMING = set(entities()["contacts"].columns) - {"country", "language", "brand", "created_at", "updated_at"}


def grammar(name: str, kind: str) -> list[str]:
    """What a column's name says that its type does not, or the other way round."""
    is_flag, is_day, is_moment = kind == "BOOLEAN", kind == "DATE", kind.startswith("TIMESTAMP")
    rules = {
        "a name is lower case, words joined by _": bool(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)),
        "a flag, and nothing else, begins with is_, has_ or can_": is_flag == name.startswith(("is_", "has_", "can_")),
        "a day, and nothing else, ends in _on": is_day == name.endswith("_on"),
        "a moment, and nothing else, ends in _at": is_moment == name.endswith("_at"),
        "a moment is naive UTC": not is_moment or kind == "TIMESTAMP",
        "a count is a whole number": not name.endswith("_count") or kind in INTEGERS,
        "an amount is exact": not name.endswith("amount") or kind.startswith("DECIMAL"),
        "a share is a number": not name.endswith("_share") or kind.startswith(("DECIMAL", "DOUBLE")),
        "an id or key is text": not name.endswith(("_id", "_key")) or kind == "VARCHAR",
    }
    return [rule for rule, holds in rules.items() if not holds]


def test_the_grammar_tells_good_names_from_bad() -> None:
    assert grammar("is_paid", "BOOLEAN") == grammar("paid_on", "DATE") == grammar("amount", "DECIMAL(18,2)") == []
    assert len(grammar("paid", "BOOLEAN")) == len(grammar("is_paid", "INTEGER")) == len(grammar("day", "DATE")) == 1
    assert len(grammar("paid_at", "TIMESTAMP WITH TIME ZONE")) == len(grammar("order_count", "DOUBLE")) == 1
    assert len(grammar("person_id", "BIGINT")) == len(grammar("Amount2", "VARCHAR")) == 1


def test_columns_are_named_by_the_grammar(rehearsed: Rehearsed) -> None:
    broken = {name: grammar(name, kind) for name, kind in rehearsed.columns.items() if name not in TERMS}
    assert {name: rules for name, rules in broken.items() if rules} == {}


def test_every_exception_from_the_grammar_is_still_needed(rehearsals: Rehearsals) -> None:
    building = rehearsals(DEMO_PROJECT)
    columns = [pair for name in building.catalogue.tables for pair in building.columns(name).items()]
    assert {name for name, kind in columns if name in TERMS and grammar(name, kind)} == set(TERMS)


def test_one_name_has_one_type_wherever_it_occurs(rehearsals: Rehearsals) -> None:
    building = rehearsals(DEMO_PROJECT)
    kinds: dict[str, set[str]] = {}
    for table in building.catalogue.tables:
        for name, kind in building.columns(table).items():
            kinds.setdefault(name, set()).add(re.sub(r"DECIMAL\(\d+,", "DECIMAL(..,", kind))
    assert {name: sorted(found) for name, found in kinds.items() if len(found) > 1 and name != "value"} == {}


def test_the_canonical_entities_follow_the_grammar_too() -> None:
    broken = {
        f"{entity.name}.{name}": grammar(name, kind.removesuffix("!"))
        for entity in entities().values()
        for name, kind in entity.columns.items()
        if name not in TERMS
    }
    assert {name: rules for name, rules in broken.items() if rules} == {}


def test_the_wide_table_has_no_column_that_names_a_person(rehearsals: Rehearsals) -> None:
    assert {"first_name", "last_name", "email", "phone", "birth_date", "street"} <= NAMING
    texts = {name for name, kind in rehearsals(DEMO_PROJECT).columns("profiles").items() if "VARCHAR" in kind}
    words = re.compile(r"(^|_)(name|email|phone|street|birth|address|postal|city|external)(_|$)")
    assert set(rehearsals(DEMO_PROJECT).columns("profiles")) & NAMING == set()
    assert [name for name in sorted(texts) if words.search(name)] == []


def test_a_table_that_carries_contact_data_is_private(rehearsed: Rehearsed) -> None:
    telling = {
        "first_name",
        "last_name",
        "email",
        "phone",
        "birth_date",
        "street",
        "address",
        "standard_address",
        "line",
    }
    if telling & set(rehearsed.columns):
        assert rehearsed.table.is_private

"""The demo world as a whole: made from a seed, written as landed files and as truth.

Belongs here: putting the parts together and writing them. Does not belong here: what is in the parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from personalization_pipeline.demo.hardness import Hardness, measure
from personalization_pipeline.demo.landing import crm_customers, csv_text, web_orders
from personalization_pipeline.demo.orders import History, histories
from personalization_pipeline.demo.people import Person
from personalization_pipeline.demo.people import people as true_people
from personalization_pipeline.demo.records import CRM, SHOP, Record, records
from personalization_pipeline.foundation.errors import FixTheFile
from personalization_pipeline.foundation.writes import Kind, folder_at_once, write_text

FEWEST_PEOPLE = 10
RECORD_COLUMNS = ("record_key", "true_person_id", "household_id", "mistakes")
PEOPLE_COLUMNS = (
    *("person_id", "household_id", "persona", "lookalike_id", "lookalike_kind", "is_customer", "is_alive"),
    *("order_count", "purchase_rate", "dropout_probability", "spend_level", "promo_share", "favourite_category"),
)


@dataclass(frozen=True)
class World:
    """Everything that is true in one demo world."""

    people: tuple[Person, ...]
    histories: Mapping[str, History]  # of the customers, by person_id
    records: tuple[Record, ...]


def make_world(people: int, seed: int) -> World:
    """The world of a seed: `people` true people, what they bought, and how two systems saw them."""
    if people < FEWEST_PEOPLE:
        raise FixTheFile(f"a world of {people} people is too small", fix=f"ask for {FEWEST_PEOPLE} people or more")
    everybody = true_people(people, seed)
    bought = histories(everybody, seed)
    return World(everybody, bought, records(everybody, bought, seed))


def write_world(folder: Path, *, people: int, seed: int) -> Hardness:
    """Write the world below the folder: `landing/<source>/` for the pipeline, `truth/` for whoever scores it.

    These three folders are replaced; whatever else lies in landing (receipts, other sources) stays.
    """
    world = make_world(people, seed)
    hardness = measure(world.people, world.records)
    _write(folder / "landing" / SHOP, web_orders(world.records, world.histories, seed))
    _write(folder / "landing" / CRM, {"2026-06-30.csv": crm_customers(world.records, world.people, seed)})
    _write(folder / "truth", _truth(world, hardness))
    return hardness


def _write(folder: Path, files: Mapping[str, str]) -> None:
    with folder_at_once(folder, Kind.PROJECT) as scratch:
        for name, text in files.items():
            write_text(scratch / name, text, Kind.PROJECT)


def _truth(world: World, hardness: Hardness) -> dict[str, str]:
    record_rows = sorted(
        (record.record_key, record.person_id, record.household_id, " ".join(record.mistakes))
        for record in world.records
    )
    people_rows = [_person_row(person, world.histories.get(person.person_id)) for person in world.people]
    return {
        "records.csv": csv_text(RECORD_COLUMNS, record_rows),
        "people.csv": csv_text(PEOPLE_COLUMNS, people_rows),
        "hardness.json": json.dumps(asdict(hardness), indent=2) + "\n",
    }


def _person_row(person: Person, history: History | None) -> list[str]:
    member = person.member
    row = [person.person_id, person.household_id, member.persona, person.lookalike_id, member.lookalike_kind]
    if history is None:
        return [*row, "false", *[""] * 7]
    how = history.behaviour
    numbers = (how.purchase_rate, how.dropout_probability, how.spend_level, how.promo_share)
    return [
        *(*row, "true", str(history.is_alive).lower(), str(len(history.purchases))),
        *(*(f"{number:.6f}" for number in numbers), how.favourite_category),
    ]

"""Values that too many share, and the keys that sources give: what joins nobody, and what joins whatever else is said."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve.limits import limits, role_mailboxes, sharing_limits
from personalization_pipeline.resolve.link import KEY_WEIGHT, exact_key_edges, given_key_edges
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.resolve.contacts import contacts

AS_OF = "2026-02-01 01:00:00"
LIMIT = limits()["shared_values"]["email"]["people_limit"]
MOST = limits()["shared_values"]["email"]["record_limit"]
Rows = list[tuple[Any, ...]]


def compared(by_hand: HandMade, *rows: dict[str, Any]) -> pl.DataFrame:
    """These contacts as they are compared; `shared_values` is made on the way."""
    by_hand.tonight(AS_OF)
    by_hand.put("computed.sharing_limits", "kind, people_limit, record_limit", *sharing_limits().rows())
    by_hand.put("computed.role_mailboxes", "email_local, reason", *role_mailboxes().rows())
    keyed = [{"record_key": f"r:{number:04}", **row} for number, row in enumerate(rows)]
    plain = standardise(contacts(*({k: v for k, v in row.items() if k != "same_as_key"} for row in keyed)), "DE")
    given = [row.get("same_as_key") for row in keyed]
    known = plain.with_columns(same_as_key=pl.Series(given, dtype=pl.String), contact_digest=pl.int_range(len(rows)))
    by_hand.put("standardised", ", ".join(known.columns), *known.rows())
    by_hand.make("shared_values")
    by_hand.make("compared_records")
    return frame(by_hand.connection, "FROM compared_records ORDER BY record_key")


def aside(by_hand: HandMade) -> Rows:
    return by_hand.make("shared_values", "kind, value, reason")


def strangers(count: int, **shared: Any) -> list[dict[str, Any]]:
    """So many people, no two of one name."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [{"first_name": f"{letters[n % 26]}nna", "last_name": f"Berg{letters[n // 26]}"} for n in range(count)]
    return [{**name, **shared} for name in names]


@pytest.mark.parametrize(
    ("shared", "column", "kind"),
    [
        ({"email": "till@shop.example"}, "email_std", "email"),
        ({"phone": "+4930901820"}, "phone_std", "phone"),
        ({"same_as_key": "shop:0"}, "same_as_key", "same_as_key"),
    ],
)
def test_a_value_is_compared_up_to_its_limit_of_people_and_not_beyond(
    by_hand: HandMade, shared: dict[str, str], column: str, kind: str
) -> None:
    full = compared(by_hand, *strangers(LIMIT, **shared))
    assert full[column].null_count() == 0
    assert aside(by_hand) == []
    beyond = compared(by_hand, *strangers(LIMIT + 1, **shared), {"first_name": "Zoe"})
    assert beyond[column].null_count() == beyond.height
    assert (kind, "too many people") in {(found, reason) for found, _, reason in aside(by_hand)}
    assert exact_key_edges(beyond).height == given_key_edges(beyond).height == 0


def test_spellings_of_one_person_are_one_person(by_hand: HandMade) -> None:
    spelt = [{"first_name": name, "last_name": "Berg"} for name in ("Robert", "Rob", "R.", "Roberto", "Robt")]
    found = compared(by_hand, *[{**row, "email": "rob@x.example"} for row in spelt * LIMIT])
    assert found["email_std"].null_count() == 0


def test_nameless_records_are_counted_by_what_else_they_say(by_hand: HandMade) -> None:
    phones = [{"email": "guest@shop.example", "phone": f"+49309018{number:02}"} for number in range(20, 21 + LIMIT)]
    assert compared(by_hand, *phones)["email_std"].null_count() == len(phones)
    one_guest = [{"email": "guest@shop.example", "phone": "+4930901820"}] * (LIMIT + 1)
    assert compared(by_hand, *one_guest)["email_std"].null_count() == 0


def test_what_more_records_share_than_anybody_has_is_no_matter_of_names(by_hand: HandMade) -> None:
    guest = {"first_name": "Ann", "last_name": "Berg", "email": "tea@x.example"}
    assert compared(by_hand, *[guest] * MOST)["email_std"].null_count() == 0
    assert compared(by_hand, *[guest] * (MOST + 1))["email_std"].null_count() == MOST + 1
    assert ("email", "tea@x.example", "too many records") in aside(by_hand)


@pytest.mark.parametrize("local", ["info", "team", "support"])
def test_a_role_mailbox_joins_nobody_but_can_be_written_to(by_hand: HandMade, local: str) -> None:
    ann = {"first_name": "Ann", "last_name": "Berg", "email": f"{local}@firm.example"}
    found = compared(by_hand, ann, ann, {**ann, "email": "ann@firm.example"})
    assert found["email_std"].to_list() == [None, None, "ann@firm.example"]
    assert found["email_local"].to_list() == [None, None, None]
    assert ("email", f"{local}@firm.example", "role mailbox") in aside(by_hand)
    assert standardise(contacts(ann))["email_std"].item() == f"{local}@firm.example"


def test_a_word_of_trade_before_the_at_is_found_in_the_data(by_hand: HandMade) -> None:
    shops = [{**row, "email": f"teestube@{n}.example"} for n, row in enumerate(strangers(LIMIT + 1))]
    found = compared(by_hand, *shops)
    assert found["email_std"].null_count() == 0
    assert found["email_local"].null_count() == len(shops)


def test_a_record_of_which_a_value_is_set_aside_counts_as_changed_and_no_other_does(by_hand: HandMade) -> None:
    rows = [*strangers(LIMIT + 1, email="till@shop.example"), {"first_name": "Zoe", "email": "zoe@x.example"}]
    digests = compared(by_hand, *rows)["contact_digest"].to_list()
    assert digests[-1] == len(rows) - 1
    assert set(digests[:-1]).isdisjoint(range(len(rows)))
    assert len(set(digests)) == len(rows)


def test_since_when_a_value_is_set_aside_is_remembered(by_hand: HandMade) -> None:
    compared(by_hand, *strangers(LIMIT + 1, email="till@shop.example"))
    by_hand.put("yesterday.shared_values", "kind, value, since_at", ("email", "till@shop.example", "2026-01-05"))
    assert [str(day) for (day,) in by_hand.make("shared_values", "since_at")] == ["2026-01-05 00:00:00", AS_OF]


def test_a_source_that_names_another_sources_record_says_that_they_are_one(by_hand: HandMade) -> None:
    """Whatever else is said there; a key that nobody has, or a record's own, joins nothing."""
    found = compared(
        by_hand,
        {"record_key": "shop:7", "first_name": "Ann", "email": "ann@x.example"},
        {"record_key": "web:7", "first_name": "Bob", "email": "typed@y.example", "same_as_key": "shop:7"},
        {"record_key": "desk:1", "same_as_key": "shop:8"},
        {"record_key": "desk:2", "same_as_key": "desk:2"},
    )
    edges = given_key_edges(found)
    assert edges.schema == exact_key_edges(found).schema
    columns = ("record_key_l", "record_key_r", "kind", "weight")
    assert edges.select(columns).rows() == [("shop:7", "web:7", "key", KEY_WEIGHT)]

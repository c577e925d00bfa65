"""Planted faults between landed file and delivered file: each keeps the night back, named by phase and table."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from personalization_pipeline.foundation.building import Building, build, complete
from personalization_pipeline.foundation.errors import GateRefused
from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.publish.gate import pass_gate
from personalization_pipeline.publish.report import FLOWS
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.publish.conftest import ACCOUNTS

ONE_LINE = "rowid = (SELECT min(rowid) FROM order_lines WHERE person_id IS NOT NULL)"
ONE_MEMBER = "rowid = (SELECT min(rowid) FROM audience_members)"
ONE_FILE = "path = 'shopify_orders/2026-06.csv'"


def refusal_of(building: Building, fault: str) -> str:
    """Plant a fault, make the accounts, and return the words of the gate."""
    building.connection.execute(fault)
    for name in ACCOUNTS:
        build(building, name)
    complete(building)
    with pytest.raises(GateRefused) as refusal:
        pass_gate(building)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(
            f"DELETE FROM order_lines WHERE {ONE_LINE}",
            ("flow 'order value' does not add up: 1 rows and ", "between ingest.files and resolve.order_lines"),
            id="a dropped row",
        ),
        pytest.param(
            f"INSERT INTO order_lines SELECT * FROM order_lines WHERE {ONE_LINE}",
            ("flow 'order value' does not add up: -1 rows and -", "between ingest.files and resolve.order_lines"),
            id="a payment counted twice",
        ),
        pytest.param(
            f"DELETE FROM audience_members WHERE {ONE_MEMBER}",
            (
                "flow 'members of win_back to newsletter' does not add up: 1 rows and 0.00 of money are missing",
                "between activate.audience_waterfall and activate.audience_members",
                "flow 'file of win_back to newsletter' does not add up: -1 rows",
            ),
            id="a member lost on the way to the file",
        ),
        pytest.param(
            "UPDATE audience_files SET person_count = person_count + 1",
            ("between activate.audience_members and activate.audience_files",),
            id="a person in the file who is no member",
        ),
        pytest.param(
            f"UPDATE files SET kept_count = kept_count - 1 WHERE {ONE_FILE}",
            (
                "flow 'rows of shopify_orders' does not add up: 1 rows and 0.00 of money are missing",
                "between ingest.files and ingest.files",
            ),
            id="a landed row without a fate",
        ),
        pytest.param(
            f"UPDATE files SET duplicate_amount = duplicate_amount + 0.01 WHERE {ONE_FILE}",
            (
                "files: count(*) FILTER (landed_amount <> ",
                "flow 'rows of shopify_orders' does not add up: 0 rows and -0.01 of money are missing",
            ),
            id="money set aside that never landed",
        ),
        pytest.param(
            "DELETE FROM profiles WHERE rowid = (SELECT min(rowid) FROM profiles)",
            ("flow 'people' does not add up: 1 rows and 0.00", "between resolve.people and analyze.profiles"),
            id="a person without a profile",
        ),
    ],
)
def test_a_fault_keeps_the_night_back_and_is_named(fault: str, words: tuple[str, ...], building: Building) -> None:
    refusal = refusal_of(building, fault)
    assert refusal.startswith(f"{building.folder}: the night is not committed: ")
    for word in words:
        assert word in refusal


def delivered(by_hand: HandMade, rows_in_receipt: int) -> list[tuple[object, ...]]:
    """What the accounts say of a file of last night with 21 rows, whose receipt says a number; another was not sent."""
    by_hand.tonight("2026-07-02 02:00:00")
    last = datetime(2026, 7, 1, 2)
    by_hand.put(
        "yesterday.audience_files",
        "audience, destination, sha256, row_count, occurred_at",
        ("win_back", "mail", "aa", 21, last),
        ("vip", "mail", "bb", 5, last),
    )
    by_hand.put(
        "deliveries",
        "audience, destination, night, sha256, row_count, occurred_at",
        ("win_back", "mail", "20260701T020000Z-r1", "aa", rows_in_receipt, last),
        ("win_back", "mail", "20260630T020000Z-r1", "aa", 99, datetime(2026, 6, 30, 2)),
    )
    by_hand.make("ledger")
    return by_hand.make("ledger_rests", "flow, rest_count")


def test_what_was_certified_last_night_is_what_the_receipts_say_was_sent(by_hand: HandMade) -> None:
    flows = ("rows of the last files of vip to mail", "rows of the last files of win_back to mail")
    assert delivered(by_hand, 21) == [(flows[0], 0), (flows[1], 0)]
    sent = query(by_hand.connection, "SELECT flow, reason, row_count FROM ledger WHERE side = 'out' ORDER BY ALL")
    assert sent == [(flows[0], "not sent", 5), (flows[1], "sent", 21)]
    assert delivered(by_hand, 20) == [(flows[0], 0), (flows[1], 1)]


def test_the_report_tells_each_flow_in_words(building: Building) -> None:
    for name in ACCOUNTS:
        build(building, name)
    flows = {flow: rest for _, flow, *rest in query(building.connection, FLOWS)}
    came, went, rows, money = flows["rows of shopify_orders"]
    (landed, kept, landed_amount, kept_amount) = query(
        building.connection,
        "SELECT sum(row_count), sum(kept_count), sum(landed_amount), sum(kept_amount) FROM files WHERE source = 'shopify_orders'",
    )[0]
    assert came == f"landed {landed:,} ({landed_amount})"
    assert went.startswith(f"kept {kept:,} ({kept_amount}), duplicate ")
    assert (rows, money) == (0, Decimal("0.00"))
    assert flows.keys() == {flow for (flow,) in query(building.connection, "SELECT flow FROM ledger_rests")}

"""The gate: what keeps a night back is named; what is only told lets it pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from personalization_pipeline.foundation.building import Building, build, complete
from personalization_pipeline.foundation.errors import GateRefused
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.publish.gate import pass_gate
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.publish.conftest import ACCOUNTS


def judged(building: Building, *statements: str) -> list[str]:
    """Break something, make the accounts, and ask the gate."""
    for statement in statements:
        building.connection.execute(statement)
    for name in ACCOUNTS:
        build(building, name)
    complete(building)
    return pass_gate(building)


def one_line(building: Building) -> tuple[str, str]:
    """An order line of a known person: its key and its amount."""
    sql = "SELECT line_key, CAST(amount AS VARCHAR) FROM order_lines WHERE person_id IS NOT NULL ORDER BY line_key LIMIT 1"
    ((key, amount),) = query(building.connection, sql)
    return key, amount


def test_a_night_as_it_was_built_passes(building: Building) -> None:
    store = Store(building.project.store)
    assert judged(building) == store.record(store.current())["warnings"]
    assert set(building.results) == set(building.catalogue.tables)


def test_a_lost_order_line_is_refused_and_its_flow_named(building: Building) -> None:
    key, amount = one_line(building)
    with pytest.raises(GateRefused) as refusal:
        judged(building, f"DELETE FROM order_lines WHERE line_key = '{key}'")
    words = str(refusal.value)
    assert f"flow 'order value' does not add up: 1 rows and {amount} of money are missing" in words
    assert f"flow 'order value of people' does not add up: 0 rows and -{amount} of money are missing" in words
    assert "ledger_rests: count(*) FILTER (rest_count <> 0 OR rest_amount <> 0) = 0 is not so (measured 2)" in words
    assert words.startswith(f"{building.folder}: the night is not committed")
    assert "\nFix: " in words


def test_a_payment_counted_twice_is_refused(building: Building) -> None:
    key, amount = one_line(building)
    with pytest.raises(GateRefused, match=f"flow 'order value' does not add up: -1 rows and -{amount} of money"):
        judged(building, f"INSERT INTO order_lines SELECT * FROM order_lines WHERE line_key = '{key}'")


def test_money_that_moves_without_a_row_is_refused(building: Building) -> None:
    key, _ = one_line(building)
    with pytest.raises(
        GateRefused, match=r"flow 'order value' does not add up: 0 rows and -0\.01 of money are missing"
    ):
        judged(building, f"UPDATE order_lines SET amount = amount + 0.01 WHERE line_key = '{key}'")


@pytest.mark.parametrize(
    ("table", "flow"),
    [
        ("people", "people"),
        ("profiles", "people"),
        ("contacts", "records"),
        ("audience_waterfall", "win_back to newsletter"),
    ],
)
def test_whoever_gets_lost_on_the_way_is_missed(table: str, flow: str, building: Building) -> None:
    wheres = {"audience_waterfall": "WHERE destination = 'newsletter'", "people": "WHERE kind = 'known'"}
    where = wheres.get(table, "")
    lose_one = f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table} {where})"
    with pytest.raises(GateRefused, match=f"flow '{flow}' does not add up"):
        judged(building, lose_one)


def test_a_check_that_does_not_hold_is_named_with_what_was_measured(building: Building) -> None:
    words = r"records: count\(\*\) FILTER \(person_id IS NULL\) = 0 is not so \(measured 1\)"
    with pytest.raises(GateRefused, match=words):
        judged(building, "UPDATE records SET person_id = NULL WHERE rowid = (SELECT min(rowid) FROM records)")


def test_a_warning_is_told_and_lets_the_night_pass(building: Building) -> None:
    told = judged(building, "UPDATE files SET refusal = 'is empty' WHERE path = 'shopify_orders/2026-06.csv'")
    assert "files: count(*) FILTER (refusal <> '') = 0 is not so (measured 1)" in told


@pytest.mark.parametrize("loss", ["DROP TABLE rfm", "ALTER TABLE records DROP COLUMN person_id"])
def test_a_table_that_is_not_there_as_declared_is_stale(loss: str, building: Building) -> None:
    with pytest.raises(GateRefused, match=f"{loss.split()[2]} is stale: build it from what its inputs are now"):
        judged(building, loss)


def test_a_refused_night_leaves_the_last_good_one_current(demo_copy: Path, night: Night) -> None:
    features = demo_copy / "features"
    features.mkdir(exist_ok=True)
    (features / "never.sql").write_text(
        "-- One row per person that there may not be.\n-- feature\n-- check: count(*) = 0\nSELECT person_id, 1 AS never_count\nFROM people\n",
        encoding="utf-8",
    )
    store = Store(demo_copy / "store")
    before = store.current()
    code, said = night(demo_copy, "2026-07-02")
    assert code == 2
    assert "the night is not committed: never: count(*) = 0 is not so (measured" in said
    assert "the last good night stays current" in said
    assert store.current() == before
    assert [folder.name for folder in store.orphans()] == ["20260702T000000Z-r1"], "it can be looked at"

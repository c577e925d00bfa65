"""The measures of `evaluate demo`, each over a few rows written out: what is counted, and that a fault shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import duckdb
import pytest

from personalization_pipeline.demo.evaluation import MEASURES, measure

Figures = dict[str, tuple[float | None, float | None, float | None]]
NIGHT = """
CREATE MACRO as_of() AS TIMESTAMP '2026-07-01 02:00:00';
CREATE MACRO first_night() AS TIMESTAMP '2026-07-01 02:00:00';
CREATE TABLE true_people (person_id TEXT, left_at TIMESTAMP, cycle_sku TEXT, cycle_days BIGINT, preferred_channel TEXT,
    preferred_hour BIGINT, arm TEXT, uplift DOUBLE);
CREATE TABLE matches AS SELECT 'p' || n AS person_id, 't' || n AS true_person_id FROM range(1, 9) AS numbers (n);
CREATE TABLE scores (person_id TEXT, churn_probability DOUBLE, alive_probability DOUBLE);
CREATE TABLE features (person_id TEXT, days_since_last_order BIGINT, mean_days_between_orders DOUBLE);
CREATE TABLE order_lines (person_id TEXT, product_id TEXT, line_kind TEXT, occurred_on DATE);
CREATE TABLE orders (person_id TEXT, ordered_at TIMESTAMP);
CREATE TABLE events (person_id TEXT, kind TEXT, channel TEXT, occurred_at TIMESTAMP);
CREATE TABLE traits (record_key TEXT, name TEXT, value TEXT);
CREATE TABLE records AS SELECT 'r' || n AS record_key, 'p' || n AS person_id FROM range(1, 9) AS numbers (n);
CREATE TABLE reference (kind TEXT, value JSON);
CREATE TABLE true_consents (address_kind TEXT, address TEXT, record_key TEXT, brand TEXT, purpose TEXT, channel TEXT,
    expires_at TIMESTAMP, is_granted BOOLEAN);
CREATE TABLE consent_state (address TEXT, brand TEXT, purpose TEXT, channel TEXT, status TEXT, basis TEXT,
    decided_at TIMESTAMP);
CREATE TABLE consents (address_kind TEXT, address TEXT, brand TEXT, purpose TEXT, channel TEXT, status TEXT, source TEXT,
    decided_at TIMESTAMP, expires_at TIMESTAMP);
"""


@pytest.fixture
def night() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute(NIGHT)
    yield connection
    connection.close()


def put(night: duckdb.DuckDBPyConnection, table: str, columns: str, *rows: tuple[object, ...]) -> None:
    marks = ", ".join("?" for _ in columns.split(", "))
    night.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def figures(night: duckdb.DuckDBPyConnection, name: str) -> Figures:
    found = measure(night, MEASURES / f"{name}.sql").figures
    return {figure.name: (figure.pipeline, figure.plain, figure.truth) for figure in found}


def test_churn_is_the_share_of_pairs_that_are_put_in_the_right_order(night: duckdb.DuckDBPyConnection) -> None:
    gone, later = datetime(2026, 1, 1), datetime(2026, 7, 20)
    put(night, "true_people", "person_id, left_at", ("t1", gone), ("t2", gone), ("t3", None), ("t4", later))
    put(night, "scores", "person_id, alive_probability", ("p1", 0.1), ("p2", 0.6), ("p3", 0.6), ("p4", 0.9))
    put(night, "features", "person_id, days_since_last_order", ("p1", 5), ("p2", 90), ("p3", 10), ("p4", 20))
    found = figures(night, "churn")
    assert found["AUC of the churn probability"] == (None, 0.5, None)
    assert found["AUC of no longer being alive (BG/NBD)"] == (0.875, 0.5, None)
    assert found["share of scored buyers that has left"] == (None, None, 0.5)


def test_a_rhythm_is_judged_by_its_distance_from_the_true_cycle(night: duckdb.DuckDBPyConnection) -> None:
    put(
        night, "true_people", "person_id, cycle_sku, cycle_days", ("t1", "C1", 20), ("t2", "C2", 40), ("t3", None, None)
    )
    put(night, "features", "person_id, mean_days_between_orders", ("p1", 25.0), ("p2", 40.0), ("p3", 10.0))
    days = [date(2026, 5, 1), date(2026, 5, 21), date(2026, 6, 11)]
    put(
        night,
        "order_lines",
        "person_id, product_id, line_kind, occurred_on",
        *(("p1", "C1", "sale", day) for day in days),
    )
    put(night, "order_lines", "person_id, product_id, line_kind, occurred_on", ("p1", "C1", "return", date(2026, 5, 3)))
    found = figures(night, "cycles")
    assert found["median error of the days between orders, as a share of the true cycle"] == (0.125, 0.3125, None)
    assert found["median error of the days between purchases of her article"] == (None, 0.025, None)
    assert found["people with a true cycle"] == (None, 1.0, 2.0)


def test_who_answers_texts_prefers_texts(night: duckdb.DuckDBPyConnection) -> None:
    people = (("t1", "sms", 18), ("t2", "sms", 9), ("t3", "email", 12))
    put(night, "true_people", "person_id, preferred_channel, preferred_hour", *people)
    at = datetime(2026, 5, 1, 18)
    messages = [(f"p{n}", "receipt", channel, at) for n in (1, 2, 3) for channel in ("email", "email", "sms", "sms")]
    answers = [
        ("p1", "click", "sms", at),
        ("p1", "click", "sms", at),
        ("p2", "open", "email", at),
        ("p3", "open", "email", at),
    ]
    put(night, "events", "person_id, kind, channel, occurred_at", *messages, *answers)
    found = figures(night, "preference")
    assert found["right channel, of people with two messages on each"] == (None, pytest.approx(2 / 3), None)
    assert found["the commonest channel for everybody would be right for"] == (None, None, pytest.approx(2 / 3))
    assert found["right hour, of people with two answers in one"] == (None, 1.0, None)


def test_uplift_is_the_difference_of_the_arms_within_the_window(night: duckdb.DuckDBPyConnection) -> None:
    put(
        night,
        "true_people",
        "person_id, arm, uplift",
        ("t1", "treated", 0.2),
        ("t3", "holdout", 0.4),
        ("t5", "none", 0.9),
    )
    arms = (("r1", "treated"), ("r2", "treated"), ("r3", "holdout"), ("r4", "holdout"))
    put(night, "traits", "record_key, name, value", *((key, "arm_spring_return", arm) for key, arm in arms))
    put(night, "orders", "person_id, ordered_at", ("p1", datetime(2026, 4, 14, 8)), ("p3", datetime(2026, 5, 12, 8)))
    put(night, "reference", "kind, value", ("ad_report", '{"conversions": "7"}'), ("store", "{}"))
    found = figures(night, "uplift")
    assert found["effect of spring_return on the share that buys"] == (None, 0.5, pytest.approx(0.3))
    assert found["half the width of its 95 % interval"] == (None, pytest.approx(1.96 * (0.25 / 2) ** 0.5), None)
    assert found["orders that social ads brought (the channel reports its own)"] == (None, 7.0, 0.0)


def test_a_person_drawn_into_both_arms_is_in_neither(night: duckdb.DuckDBPyConnection) -> None:
    arms = (("r1", "treated"), ("r2", "treated"), ("r3", "holdout"))
    put(night, "traits", "record_key, name, value", *((key, "arm_spring_return", arm) for key, arm in arms))
    put(night, "orders", "person_id, ordered_at", ("p2", datetime(2026, 4, 20)))
    put(night, "true_people", "person_id, arm, uplift", ("t1", "treated", 0.0))
    night.execute("UPDATE records SET person_id = 'p1' WHERE record_key = 'r3'")
    assert figures(night, "uplift")["effect of spring_return on the share that buys"][1] == 1.0


def test_a_wrong_grant_and_a_missed_one_are_counted(night: duckdb.DuckDBPyConnection) -> None:
    said, later = datetime(2026, 5, 1), datetime(2026, 7, 5)
    key = "leaf", "marketing", "email"
    truths = (("email", "a@x.example", True), ("email", "b@x.example", False), ("email", "c@x.example", True))
    columns = "address_kind, address, is_granted, brand, purpose, channel"
    put(night, "true_consents", columns, *((*truth, *key) for truth in truths))
    held = (
        ("email:a@x.example", "granted", said),
        ("email:b@x.example", "granted", said),
        ("email:d@x.example", "granted", later),
    )
    put(
        night,
        "consent_state",
        "address, status, decided_at, brand, purpose, channel, basis",
        *((*row, *key, "consent") for row in held),
    )
    found = figures(night, "consent")
    assert found["grants"] == (2.0, 0.0, 2.0)
    assert found["grants that nobody gave, or that were taken back"] == (1.0, 0.0, 0.0)
    assert found["grants that the night does not know of"] == (1.0, 2.0, 0.0)

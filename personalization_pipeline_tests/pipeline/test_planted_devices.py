"""The planted devices after a night: kiosks, shared machines, bots and cookies say little about who somebody is.

A test that is expected to fail says what a later issue has to bring; it is strict, so that it tells when that is there.
"""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.foundation.warehouse import Connection, query
from personalization_pipeline_tests.pipeline.beside_truth import (
    about,
    case,
    given,
    number,
    person_of,
    strangers_in_one_person,
)


@case("kiosk_login")
def test_forty_logins_at_one_kiosk_are_forty_people(world: Connection) -> None:
    """R13, P1: a device is a weak identifier and never merges two logins."""
    [kiosk] = about(world, "kiosk_login", "device")
    sessions = "FROM events WHERE kind = 'kiosk' AND json_extract_string(properties, '$.device_id') = ?"
    assert number(world, f"SELECT count(DISTINCT person_id) {sessions}", kiosk) == 40
    assert strangers_in_one_person(world, "kiosk_login") == []


@case("kiosk_of_forty")
def test_a_kiosk_gives_its_sessions_to_whoever_signed_in_and_the_others_to_nobody(
    demo_night: Path, world: Connection
) -> None:
    """P1, R13."""
    [kiosk] = about(world, "kiosk_of_forty", "device")
    landed = demo_night / "landing" / "kiosk_sessions" / "*"
    expected = query(
        world,
        f"""SELECT 'kiosk_sessions:' || session_id, found.person_id
        FROM read_json('{landed}', format = 'newline_delimited') AS session
        LEFT JOIN found ON found.record_key = 'shopify_customers:' || CAST(session.login.customer_id AS VARCHAR)
        WHERE session.kiosk_id = ? ORDER BY 1""",
        [kiosk],
    )
    seen = "SELECT event_key, person_id FROM events WHERE kind = 'kiosk' AND json_extract_string(properties, '$.device_id') = ? ORDER BY 1"
    assert query(world, seen, [kiosk]) == expected
    known = [person for _, person in expected if person is not None]
    given(5 <= len(known) < len(expected), "sessions with and without a login")
    assert len(known) == len(set(known))


def test_people_who_share_a_laptop_or_an_office_machine_stay_apart(world: Connection) -> None:
    """R17, P1."""
    shared = """SELECT value FROM true_identities WHERE kind IN ('device_id', 'anonymous_id')
        GROUP BY value HAVING count(DISTINCT person_id) > 1"""
    users = f"""SELECT users.value, found.person_id, count(DISTINCT found.true_person_id) AS people
        FROM true_identities AS users
        JOIN found ON found.true_person_id = users.person_id
        WHERE users.value IN ({shared}) GROUP BY ALL"""
    given(number(world, f"SELECT count(*) FROM ({shared})") >= 10, "shared devices")
    assert query(world, f"SELECT * FROM ({users}) WHERE people > 1") == []


@case("bot")
def test_what_a_bot_browses_belongs_to_nobody_who_is_known(world: Connection) -> None:
    """P1."""
    bots = "SELECT value FROM cases WHERE case_name = 'bot'"
    cookies = f"SELECT value FROM true_identities WHERE kind = 'anonymous_id' AND person_id IN ({bots})"
    seen = f"SELECT count(*) FROM events WHERE json_extract_string(properties, '$.anonymous_id') IN ({cookies})"
    assert number(world, seen) >= 400
    assert number(world, f"{seen} AND person_id IN (SELECT person_id FROM found)") == 0


@case("anonymous_stitched")
def test_what_she_does_after_her_login_is_hers(world: Connection) -> None:
    """R22."""
    [cookie] = about(world, "anonymous_stitched", "anonymous")
    people = query(
        world,
        """SELECT DISTINCT person_id FROM events WHERE json_extract_string(properties, '$.anonymous_id') = ?
        AND json_extract_string(properties, '$.user_id') IS NOT NULL""",
        [cookie],
    )
    assert people == [(person_of(world, "anonymous_stitched"),)]


@case("anonymous_stitched")
def test_what_she_did_before_her_login_becomes_hers_too(world: Connection) -> None:
    """R22: known and unknown in one profile, retroactively."""
    [cookie] = about(world, "anonymous_stitched", "anonymous")
    people = query(
        world,
        "SELECT DISTINCT person_id FROM events WHERE json_extract_string(properties, '$.anonymous_id') = ?",
        [cookie],
    )
    assert people == [(person_of(world, "anonymous_stitched"),)]


def test_who_is_only_a_cookie_is_a_person_too(world: Connection) -> None:
    """R22: anonymous profiles are first-class."""
    assert number(world, "SELECT count(*) FROM people WHERE people.kind = 'anonymous'") > 0

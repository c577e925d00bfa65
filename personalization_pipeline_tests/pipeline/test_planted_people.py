"""The planted puzzles of identity after a night: who is one person, who is two, who is nobody known.

A test that is expected to fail says what a later issue has to bring; it is strict, so that it tells when that is there.
"""

from __future__ import annotations

import json

import pytest

from personalization_pipeline.foundation.warehouse import Connection, query
from personalization_pipeline_tests.pipeline.beside_truth import (
    about,
    case,
    given,
    later,
    number,
    people_of,
    strangers_in_one_person,
)

# Of all pairs of records of one person, this share is promised to be found (test_truth); so it is of each kind of mistake.
FLOOR = 0.85
PLACEHOLDER = "lower(trim(email)) IN ('test@test.com', 'noemail@example.com')"


@case("kelley_alone")
def test_m_kelley_of_the_shop_and_masha_kelley_of_the_crm_are_one_person_and_the_edge_says_why(
    world: Connection,
) -> None:
    """R20: the answer carries a score, and the evidence of each field."""
    assert len(people_of(world, "kelley_alone")) == 1
    crm, shop = about(world, "kelley_alone", "record")
    [(weight, evidence)] = query(
        world,
        "SELECT weight, evidence FROM edge_evidence WHERE record_key_l = ? AND record_key_r = ? AND kind = 'splink'",
        [crm, shop],
    )
    fields = json.loads(evidence)
    assert weight > 0
    assert fields["first_name"]["level"] == "initial"
    assert fields["phone"]["millibits"] > 0


@case("kelley_sisters")
def test_m_kelley_and_masha_kelley_who_are_sisters_at_one_address_stay_two_people(world: Connection) -> None:
    """R20."""
    assert len(people_of(world, "kelley_sisters")) == 2
    assert strangers_in_one_person(world, "kelley_sisters") == []


def test_people_who_are_rather_one_than_two_and_yet_apart_wait_for_a_review(world: Connection) -> None:
    """R20: the grey zone goes to a review table, not into a merge; two people are one question, however many records."""
    apart = query(
        world,
        """SELECT DISTINCT least(a.person_id, b.person_id), greatest(a.person_id, b.person_id) FROM edges
        JOIN records AS a ON a.record_key = edges.record_key_l
        JOIN records AS b ON b.record_key = edges.record_key_r
        WHERE edges.weight > 0 AND a.person_id <> b.person_id""",
    )
    given(bool(apart), "pairs with even odds or better that are apart")
    waiting = query(
        world,
        "SELECT least(person_id_l, person_id_r), greatest(person_id_l, person_id_r) FROM review_queue WHERE question = 'apart'",
    )
    assert sorted(waiting) == sorted(apart)


@case("married_and_moved")
def test_who_married_and_moved_is_still_one_person(world: Connection) -> None:
    """R20: the CRM has the old name and the old home."""
    assert len(people_of(world, "married_and_moved")) == 1


@case("transliterated")
def test_one_woman_in_three_spellings_is_one_person(world: Connection) -> None:
    """R20."""
    assert len(people_of(world, "transliterated")) == 1


@pytest.mark.parametrize(
    "mistakes",
    [
        pytest.param(["former_address"], id="moves"),
        pytest.param(["name_typo", "names_swapped", "phone_typo", "email_typo", "birth_date"], id="typos"),
        pytest.param(["short_form", "initial"], id="nicknames"),
        pytest.param(
            ["accents", "script", "transliteration"],
            id="spellings",
            marks=later("R20, a later issue: other scripts and their transliterations"),
        ),
        pytest.param(["former_name"], id="marriages"),
    ],
)
def test_a_record_with_a_mistake_is_found_beside_one_without_it(world: Connection, mistakes: list[str]) -> None:
    """R20: among what the company's own systems and the bought list have; touchpoints only repeat their accounts."""
    count, together = query(
        world,
        """WITH own AS (
            SELECT * FROM found WHERE source NOT IN ('segment_events', 'zendesk_tickets', 'chats')
        ), pairs AS (
            SELECT wrong.record_key, bool_or(good.person_id = wrong.person_id) AS is_together
            FROM own AS wrong
            JOIN own AS good ON good.true_person_id = wrong.true_person_id AND NOT list_has_any(good.mistakes, ?)
            WHERE list_has_any(wrong.mistakes, ?)
            GROUP BY wrong.record_key
        )
        SELECT count(*), count(*) FILTER (is_together) FROM pairs""",
        [mistakes, mistakes],
    )[0]
    given(count >= 3, "three records with such a mistake")
    assert together / count >= FLOOR


@later(
    "R20, a later issue: two contacts of one CRM, 23 years apart, are joined by a record that says nothing of either"
)
def test_look_alikes_by_chance_stay_apart(world: Connection) -> None:
    """R20: people of one name, some of them in one home."""
    pairs, merged = query(
        world,
        """SELECT count(DISTINCT a.person_id), count(DISTINCT a.person_id) FILTER (one.person_id = other.person_id)
        FROM true_people AS a
        JOIN true_people AS b ON b.person_n = a.lookalike_n
        JOIN found AS one ON one.true_person_id = a.person_id
        JOIN found AS other ON other.true_person_id = b.person_id""",
    )[0]
    given(pairs >= 4, "people who look like somebody else")
    assert merged == 0


@case("shared_mailbox")
def test_a_couple_with_one_mailbox_and_one_telephone_stays_two_people(world: Connection) -> None:
    """P1: and the mailbox has one answer to each question, whoever gave it."""
    assert len(people_of(world, "shared_mailbox")) == 2
    assert strangers_in_one_person(world, "shared_mailbox") == []
    holders = "SELECT address FROM identifiers JOIN players USING (record_key) WHERE case_name = 'shared_mailbox'"
    shared = f"{holders} AND address_kind = 'email' GROUP BY address HAVING count(DISTINCT true_person_id) = 2"
    answers = query(
        world, f"SELECT brand, purpose, channel, count(*) FROM consent_state WHERE address IN ({shared}) GROUP BY ALL"
    )
    assert answers
    assert {count for *_, count in answers} == {1}


def test_an_address_goes_into_a_file_once_whoever_shares_it(world: Connection) -> None:
    """P1, P7."""
    claims = query(
        world,
        """SELECT count(*) FILTER (is_first_to_claim) FROM member_addresses GROUP BY audience, destination, address""",
    )
    assert claims
    assert {count for (count,) in claims} == {1}


@case("test_email")
def test_test_at_test_com_joins_nobody_and_is_no_address_to_write_to(world: Connection) -> None:
    """P1."""
    merged = query(
        world,
        """SELECT person_id FROM found
        WHERE record_key IN (SELECT value FROM cases WHERE case_name = 'test_email' AND kind = 'record')
        GROUP BY person_id HAVING count(DISTINCT true_person_id) > 1""",
    )
    given(len(about(world, "test_email", "record")) >= 10, "ten records with that address")
    assert merged == []
    assert number(world, "SELECT count(*) FROM identifiers WHERE address ILIKE 'email:test@test.com'") == 0


@case("placeholder_email")
def test_accounts_under_one_placeholder_address_are_not_one_person(world: Connection) -> None:
    """P1."""
    assert (
        number(world, "SELECT count(DISTINCT true_person_id) FROM players WHERE case_name = 'placeholder_email'") >= 5
    )
    assert strangers_in_one_person(world, "placeholder_email") == []


@case("placeholder_email", "test_email")
def test_a_placeholder_is_nobodys_golden_address(world: Connection) -> None:
    """P1, R24: a value that says nothing about a person is not her best one."""
    given(number(world, f"SELECT count(*) FROM contacts WHERE {PLACEHOLDER}") >= 10, "placeholder addresses")
    assert number(world, f"SELECT count(*) FROM people WHERE {PLACEHOLDER}") == 0


@case("placeholder_email")
def test_a_login_with_the_shops_customer_number_is_the_customer(world: Connection) -> None:
    """R21, P1: whatever address was typed beside it."""
    apart = query(
        world,
        """SELECT login.record_key FROM players AS login
        JOIN players AS account ON account.record_key = replace(login.record_key, 'segment_events:', 'shopify_customers:')
        WHERE login.case_name = 'placeholder_email' AND account.case_name = login.case_name
            AND login.source = 'segment_events' AND account.person_id <> login.person_id""",
    )
    assert apart == []


def test_people_of_one_home_and_one_name_are_one_household(world: Connection) -> None:
    """N5: the sisters live together."""
    people = sorted(people_of(world, "kelley_sisters"))
    given(len(people) == 2, "two sisters, known apart")
    homes = query(world, "SELECT DISTINCT household_id FROM households WHERE person_id IN (SELECT unnest(?))", [people])
    assert len(homes) == 1

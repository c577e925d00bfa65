"""What people of the world truly allow, and what the night lets happen: consents given, withdrawn, expired, of one brand only."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from personalization_pipeline.foundation.errors import RuleError
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import Connection, query
from personalization_pipeline.questions import ask
from personalization_pipeline_tests.pipeline.beside_truth import (
    case,
    given,
    later,
    number,
    people_of,
    person_of,
)

# The truth in the words of consent_state; addresses of the truth are as standardised ones, but for capitals and blanks.
TRUE_STATE = """
SELECT
    CASE address_kind
        WHEN 'record' THEN 'record:shopify_customers:' || address
        WHEN 'email' THEN 'email:' || lower(trim(address))
        ELSE 'phone:' || regexp_replace(address, '[^+0-9]', '', 'g')
    END AS address,
    brand,
    purpose,
    channel,
    CASE WHEN is_granted THEN 'granted' ELSE 'refused' END AS status
FROM true_consents
"""
# Whom she wrote to, as far as marketing by e-mail goes.
HER_EMAIL = """
SELECT consent_state.brand, consent_state.status, consent_state.decided_at
FROM consent_state
JOIN players ON players.case_name = ?
JOIN identifiers ON identifiers.record_key = players.record_key AND identifiers.address = consent_state.address
WHERE consent_state.purpose = 'marketing' AND consent_state.channel = 'email' AND identifiers.address_kind = 'email'
GROUP BY ALL
ORDER BY ALL
"""


def test_the_nights_answer_for_every_address_is_the_true_one(world: Connection) -> None:
    """P4, R25: given, withdrawn, expired, never confirmed, unsubscribed, answered STOP; of two people the later word."""
    true = set(query(world, TRUE_STATE))
    own = "SELECT address, brand, purpose, channel, status FROM consent_state WHERE basis = 'consent'"
    given(len(true) > 500 and len({status for *_, status in true}) == 2, "yes and no")
    assert set(query(world, own)) == true


def test_beyond_the_peoples_own_words_only_the_catalogue_shop_declares_something(world: Connection) -> None:
    """R25: and only that its customers may be profiled."""
    declared = query(
        world, "SELECT DISTINCT purpose, split_part(address, ':', 2) FROM consent_state WHERE basis <> 'consent'"
    )
    assert declared == [("profiling", "seven_points")]


@case("consent_expired")
def test_a_consent_that_expired_counts_as_a_no(world: Connection) -> None:
    """P4: given in August 2024, until February 2026."""
    answers = query(world, HER_EMAIL, ["consent_expired"])
    assert {status for _, status, _ in answers} == {"refused"}
    assert {decided for *_, decided in answers} == {datetime(2024, 8, 1, 10)}
    assert is_reachable(world, "consent_expired") == (False, False, False)


@case("consent_withdrawn")
def test_a_consent_that_was_withdrawn_counts_as_a_no_from_that_day_on(world: Connection) -> None:
    """P4."""
    answers = query(world, HER_EMAIL, ["consent_withdrawn"])
    assert {status for _, status, _ in answers} == {"refused"}
    assert {decided for *_, decided in answers} == {datetime(2026, 3, 3, 17, 20)}
    assert is_reachable(world, "consent_withdrawn") == (False, False, False)


@case("consent_other_brand")
def test_a_consent_for_the_other_brand_is_none_for_the_one_she_buys_from(world: Connection) -> None:
    """R7: and the other brand may write to her, nobody else."""
    answers = {brand: status for brand, status, _ in query(world, HER_EMAIL, ["consent_other_brand"])}
    home = """SELECT DISTINCT home_brand FROM true_people
        JOIN players ON players.true_person_id = true_people.person_id WHERE case_name = 'consent_other_brand'"""
    assert list(answers.values()) == ["granted"]
    assert number(world, home) not in answers
    writing = query(
        world,
        """SELECT DISTINCT plan.brand FROM audience_members AS member
        JOIN audience_plans AS plan ON plan.audience = member.audience AND plan.destination = member.destination
        WHERE member.person_id = ?""",
        [person_of(world, "consent_other_brand")],
    )
    assert {brand for (brand,) in writing} <= answers.keys()


def test_who_allows_only_the_brand_that_does_not_speak_gets_nothing(world: Connection) -> None:
    """R7."""
    [(speaking,)] = query(world, "SELECT DISTINCT brand FROM audience_plans WHERE audience = 'win_back'")
    outcomes_of_others = query(
        world,
        f"""WITH granting AS (
            SELECT identifiers.person_id, bool_or(true_state.brand = ?) AS is_for_speaking
            FROM ({TRUE_STATE}) AS true_state
            JOIN identifiers ON identifiers.address = true_state.address
            WHERE purpose = 'marketing' AND channel = 'email' AND status = 'granted'
            GROUP BY identifiers.person_id
        )
        SELECT DISTINCT outcome FROM audience_waterfall
        JOIN granting USING (person_id)
        WHERE audience = 'win_back' AND destination = 'newsletter' AND NOT is_for_speaking""",
        [speaking],
    )
    assert speaking == "leaf_and_bean"
    assert outcomes_of_others == [("no_consent",)]


@case("consent_expired", "consent_withdrawn")
def test_who_took_the_consent_back_or_let_it_lapse_gets_nothing(world: Connection) -> None:
    """P4, P6."""
    assert "delivered" not in outcomes(world, "consent_expired")
    assert outcomes(world, "consent_withdrawn") == {"no_consent"}


def test_nobody_is_written_to_whose_true_answer_to_that_brand_is_no(world: Connection) -> None:
    """P4, P6: and somebody is written to."""
    written = """SELECT DISTINCT sent.address, plan.brand FROM member_addresses AS sent
        JOIN audience_plans AS plan ON plan.audience = sent.audience AND plan.destination = sent.destination
        JOIN audience_members AS member ON member.audience = sent.audience
            AND member.destination = sent.destination AND member.person_id = sent.person_id
        WHERE sent.destination = 'newsletter'"""
    true = f"""SELECT address, brand FROM ({TRUE_STATE})
        WHERE purpose = 'marketing' AND channel = 'email' AND status = 'granted'"""
    assert query(world, written)
    assert set(query(world, written)) <= set(query(world, true))


def test_who_truly_did_not_allow_profiling_has_no_score(world: Connection) -> None:
    """R25, R26: and everybody who did, on an account of her own, and bought has an RFM segment."""
    allowing = """SELECT found.person_id, bool_and(status = 'granted') AS is_allowed FROM ({}) AS word
        JOIN found ON 'record:' || found.record_key = word.address WHERE word.purpose = 'profiling' GROUP BY found.person_id"""
    scored = "person_id IN (SELECT person_id FROM scores)"
    counts = query(
        world,
        f"""SELECT is_allowed, {scored}, count(*) FROM ({allowing.format(TRUE_STATE)}) JOIN profiles USING (person_id)
        WHERE order_count > 0 GROUP BY ALL ORDER BY ALL""",
    )
    by_answer = {(allowed, has_score): count for allowed, has_score, count in counts}
    assert by_answer[True, True] > 50
    assert (True, False) not in by_answer
    strangers = (
        f"SELECT person_id FROM scores WHERE person_id NOT IN (SELECT person_id FROM ({allowing.format(TRUE_STATE)}))"
    )
    sources = f"SELECT DISTINCT source FROM found WHERE person_id IN ({strangers})"
    assert query(world, sources) == [("seven_points",)]


@later("R7, a later issue: rules that ask for one brand, bought(brand => ...)", RuleError)
@case("cross_brand", "consent_other_brand")
def test_an_audience_of_one_brands_buyers_who_never_bought_from_the_other(demo_night: Path, world: Connection) -> None:
    """R7: the cross-sell audience; who buys from both is not in it."""
    expected = number(
        world,
        """SELECT count(*) FROM (
            SELECT person_id FROM orders WHERE person_id IS NOT NULL GROUP BY person_id
            HAVING bool_and(brand = 'leaf_and_bean'))""",
    )
    given(expected > 10, "people who buy from one brand")
    rule = "bought(brand => 'leaf_and_bean') and not bought(brand => 'pixel_and_play')"
    assert ask(load_project(demo_night), rule).count == expected


def is_reachable(world: Connection, name: str) -> tuple[bool, bool, bool]:
    """By e-mail, by text message, by ads."""
    flags = "SELECT is_reachable_email, is_reachable_sms, is_reachable_ads FROM profiles WHERE person_id = ?"
    [found] = query(world, flags, [person_of(world, name)])
    return found


def outcomes(world: Connection, name: str) -> set[str]:
    """What became of a case's person in all audiences that want her."""
    people = sorted(people_of(world, name))
    asked = "SELECT DISTINCT outcome FROM audience_waterfall WHERE person_id IN (SELECT unnest(?))"
    return {outcome for (outcome,) in query(world, asked, [people])}

"""The planted causes and effects after a night: who left, what went back, what a campaign did, what a channel claims.

A test that is expected to fail says what a later issue has to bring; it is strict, so that it tells when that is there.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from personalization_pipeline.foundation.warehouse import Connection, query
from personalization_pipeline_tests.pipeline.beside_truth import (
    about,
    case,
    given,
    later,
    number,
    person_of,
)

AS_OF = "TIMESTAMP '2026-07-01 02:00:00'"
# True people whose records are one found person and who is nobody else: what is said of one can be asked of the other.
ONE_TO_ONE = """
SELECT true_person_id, min(person_id) AS person_id
FROM found
GROUP BY true_person_id
HAVING count(DISTINCT person_id) = 1
    AND min(person_id) NOT IN (SELECT person_id FROM found GROUP BY person_id HAVING count(DISTINCT true_person_id) > 1)
"""


@case("churned")
def test_who_left_for_good_after_a_busy_year_is_wanted_back(world: Connection) -> None:
    """R35: seventeen orders, then none for eleven months."""
    orders, recent, away = query(
        world,
        "SELECT order_count, orders_last_90_days, days_since_last_order FROM profiles WHERE person_id = ?",
        [person_of(world, "churned")],
    )[0]
    assert orders >= 10
    assert recent == 0
    assert away > 300
    wanted = "SELECT count(*) FROM audience_candidates WHERE audience = 'win_back' AND person_id = ?"
    assert number(world, wanted, person_of(world, "churned")) == 1


@later("R35, a later issue: the table journey_stages (person_id, stage)", duckdb.CatalogException)
@case("churned")
def test_who_left_for_good_is_at_another_stage_than_a_new_customer(world: Connection) -> None:
    """R35: one stage per person."""
    stages = {
        name: query(world, "SELECT stage FROM journey_stages WHERE person_id = ?", [person_of(world, name)])
        for name in ("churned", "wii_game")
    }
    assert [len(rows) for rows in stages.values()] == [1, 1]
    assert stages["churned"] != stages["wii_game"]


def test_those_who_truly_left_have_been_away_for_longer_than_those_who_did_not(world: Connection) -> None:
    """R39: of two buyers, one gone and one not, the gone one is told by her last order nine times in ten."""
    [(pairs, right)] = query(
        world,
        f"""WITH buyers AS (
            SELECT coalesce(left_at <= {AS_OF}, false) AS is_gone, days_since_last_order AS away
            FROM ({ONE_TO_ONE}) AS known
            JOIN profiles USING (person_id)
            JOIN true_people ON true_people.person_id = known.true_person_id
            WHERE order_count > 0
        )
        SELECT count(*), count(*) FILTER (gone.away > stayed.away) FROM buyers AS gone
        JOIN buyers AS stayed ON gone.is_gone AND NOT stayed.is_gone""",
    )
    given(pairs > 1000, "buyers who left and buyers who did not")
    assert right / pairs > 0.8


def test_two_hundred_people_are_too_few_for_the_models_and_nobody_gets_a_number(world: Connection) -> None:
    """R39: a model that is not ready says so; true churn is scored against larger worlds."""
    states = query(world, "SELECT DISTINCT status FROM models")
    assert states == [("not ready",)]
    invented = "alive_probability IS NOT NULL OR churn_probability IS NOT NULL OR expected_orders IS NOT NULL"
    assert number(world, f"SELECT count(*) FROM scores WHERE {invented}") == 0


@case("negative_review")
def test_a_bad_review_is_known_of_the_buyer_and_the_article(world: Connection) -> None:
    """R14."""
    [sku] = about(world, "negative_review", "sku")
    her = person_of(world, "negative_review")
    reviews = "SELECT name FROM events WHERE kind = 'review' AND person_id = ? AND product_id = ?"
    assert query(world, reviews, [her, sku]) == [("negative",)]
    assert number(world, "SELECT count(*) FROM order_lines WHERE person_id = ? AND product_id = ?", her, sku) >= 1


@later("R14, a later issue: the feature last_reviewed_category", duckdb.BinderException)
@case("negative_review")
def test_the_category_that_she_reviewed_last_is_in_her_profile(world: Connection) -> None:
    """R14."""
    expected = """SELECT category FROM events JOIN products USING (product_id)
        WHERE kind = 'review' AND person_id = ? ORDER BY occurred_at DESC LIMIT 1"""
    found = "SELECT last_reviewed_category FROM profiles WHERE person_id = ?"
    her = person_of(world, "negative_review")
    assert number(world, found, her) == number(world, expected, her)


@later("R14, a later issue: the table recommendations (person_id, product_id)", duckdb.CatalogException)
@case("negative_review")
def test_what_she_found_bad_is_not_recommended_to_her(world: Connection) -> None:
    """R14: something else is."""
    [sku] = about(world, "negative_review", "sku")
    wanted = query(
        world, "SELECT product_id FROM recommendations WHERE person_id = ?", [person_of(world, "negative_review")]
    )
    assert wanted
    assert (sku,) not in wanted


def test_a_cancelled_order_is_worth_nothing_and_no_order_less_than_that(world: Connection) -> None:
    """R9: in the web shops and in the catalogue shop."""
    worth = """SELECT split_part(order_key, ':', 1), bool_or(line_kind = 'cancellation') AS is_cancelled, sum(amount) AS value
        FROM order_lines GROUP BY order_key"""
    cancelled = query(
        world,
        f"SELECT column0, min(value), max(value) FROM ({worth}) AS o (column0, is_cancelled, value) WHERE is_cancelled GROUP BY 1 ORDER BY 1",
    )
    assert cancelled == [("seven_points", 0, 0), ("shopify_orders", 0, 0)]
    assert number(world, f"SELECT min(value) FROM ({worth}) AS o (source, is_cancelled, value)") >= 0


def test_what_went_back_has_its_own_day_after_the_sale_and_adds_up_to_what_the_tills_say(
    demo_night: Path, world: Connection
) -> None:
    """R9: returns of the stores; money with a decimal comma."""
    landed = demo_night / "landing" / "pos_lines" / "*"
    tills = f"""SELECT kind, sum(CAST(replace(amount, ',', '.') AS DECIMAL(18, 2)))
        FROM read_csv('{landed}', all_varchar = true, delim = ';') GROUP BY kind ORDER BY kind DESC"""
    night = """SELECT CASE line_kind WHEN 'sale' THEN 'S' WHEN 'return' THEN 'R' END AS kind, sum(amount)
        FROM order_lines WHERE starts_with(order_key, 'pos_lines:') GROUP BY 1 ORDER BY 1 DESC"""
    assert query(world, night) == query(world, tills)
    early = """SELECT count(*) FROM order_lines JOIN orders USING (order_key)
        WHERE line_kind <> 'sale' AND order_lines.occurred_at < orders.ordered_at"""
    assert number(world, "SELECT count(DISTINCT line_kind) FROM order_lines") == 4
    assert number(world, early) == 0


def test_the_arm_of_everybody_in_the_campaign_is_known_and_only_the_treated_were_written_to(world: Connection) -> None:
    """R47: what the lift is to be measured from."""
    arms = query(
        world,
        """SELECT traits.value, true_people.arm, count(*) FROM traits
        JOIN true_records ON true_records.record_key = traits.record_key
        JOIN true_people ON true_people.person_id = true_records.true_person_id
        WHERE traits.name = 'arm_spring_return' GROUP BY ALL ORDER BY ALL""",
    )
    planted = query(world, "SELECT arm, arm, person_count FROM true_campaigns ORDER BY arm")
    assert arms == planted
    written = query(
        world,
        """SELECT DISTINCT true_people.arm FROM events
        JOIN found ON found.person_id = events.person_id
        JOIN true_people ON true_people.person_id = found.true_person_id
        WHERE events.kind = 'send' AND events.name = 'spring_return'""",
    )
    assert written == [("treated",)]


@later("R47, a later issue: the table lift (campaign_name, low_share, high_share)", duckdb.CatalogException)
def test_the_true_effect_of_the_campaign_lies_in_the_measured_interval(world: Connection) -> None:
    """R46, R47: on the share of people who buy within four weeks, treated against held out."""
    true = number(world, "SELECT mean_uplift FROM true_campaigns WHERE arm = 'treated'")
    [(low, high)] = query(world, "SELECT low_share, high_share FROM lift WHERE campaign_name = 'spring_return'")
    assert low < high
    assert low <= true <= high


@later("R50, a later issue: decisions.propensity", duckdb.BinderException)
def test_whom_a_decision_gives_a_better_chance_truly_answers_more_often(world: Connection) -> None:
    """R50, R40: the true response of each person, over all offers that she was sent."""
    correlation = number(
        world,
        f"""SELECT corr(decisions.propensity, answers.probability) FROM decisions
        JOIN ({ONE_TO_ONE}) AS known USING (person_id)
        JOIN (
            SELECT person_id, avg(response_probability) AS probability FROM true_responses GROUP BY person_id
        ) AS answers ON answers.person_id = known.true_person_id""",
    )
    assert correlation > 0.3


def test_what_a_channel_says_of_itself_is_a_report_and_makes_no_order_or_visit(world: Connection) -> None:
    """R47: every month is kept; nobody came by a link of it."""
    reports = "FROM reference WHERE kind = 'ad_report' AND starts_with(key, 'social_ads/')"
    claimed = number(world, f"SELECT sum(CAST(json_extract_string(value, '$.conversions') AS INTEGER)) {reports}")
    assert number(world, f"SELECT count(*) {reports}") == 11
    assert claimed > 0
    known = "SELECT json_extract_string(value, '$.name') FROM reference WHERE kind = 'campaign'"
    came = "json_extract_string(properties, '$.campaign')"
    assert number(world, f"SELECT count(*) FROM events WHERE {came} IS NOT NULL AND {came} IN ({known})") > 100
    assert number(world, f"SELECT count(*) FROM events WHERE {came} IS NOT NULL AND {came} NOT IN ({known})") == 0
    assert number(world, "SELECT count(*) FROM orders WHERE source = 'ad_reports'") == 0


@later(
    "R47, a later issue: lift of a channel beside its own claim (channel, claimed_count, measured_count)",
    duckdb.CatalogException,
)
def test_the_channel_that_over_reports_is_found_out(world: Connection) -> None:
    """R47: in truth its advertising causes no order."""
    [(claimed, measured)] = query(world, "SELECT claimed_count, measured_count FROM lift WHERE channel = 'social_ads'")
    assert measured < claimed / 2

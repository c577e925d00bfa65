"""The planted buyers after a night: their traces in one profile, and what should follow from what they are truly like.

A test that is expected to fail says what a later issue has to bring; it is strict, so that it tells when that is there.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
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


def profile(world: Connection, name: str, columns: str) -> tuple[object, ...]:
    """Some columns of the profile of a case's one person."""
    [found] = query(world, f"SELECT {columns} FROM profiles WHERE person_id = ?", [person_of(world, name)])
    return tuple(found)


@case("fashion_shopper")
def test_the_fashion_shoppers_orders_calls_chats_and_messages_are_in_one_profile(world: Connection) -> None:
    """R11: cheap things online, expensive ones in the store only."""
    her = person_of(world, "fashion_shopper")
    seen = dict(query(world, "SELECT kind, count(*) FROM events WHERE person_id = ? GROUP BY kind", [her]))
    assert 1 <= seen["call"] <= 2
    assert seen["chat"] >= 3
    assert seen["page"] >= 10
    prices = {
        channel: (cheapest, dearest)
        for channel, cheapest, dearest in query(
            world,
            """SELECT channel, min(amount / quantity), max(amount / quantity) FROM order_lines
            JOIN orders USING (order_key) WHERE orders.person_id = ? AND line_kind = 'sale' GROUP BY channel""",
            [her],
        )
    }
    assert prices.keys() == {"store", "web"}
    assert prices["web"][1] < prices["store"][0]


@later("R11, R12, a later issue: posts under a handle that she told the app")
@case("fashion_shopper")
def test_the_fashion_shoppers_comments_and_posts_are_in_her_profile_too(demo_night: Path, world: Connection) -> None:
    """R11: six traces, one profile; the handle is declared."""
    landed = demo_night / "landing" / "social_posts" / "*"
    posts = f"""SELECT concat('social_posts:', network, '/', id) FROM read_json('{landed}', format = 'newline_delimited')
        WHERE concat(network, '/', author.handle) IN (SELECT unnest(?))"""
    handles = about(world, "fashion_shopper", "handle")
    people = query(
        world, f"SELECT person_id, count(*) FROM events WHERE event_key IN ({posts}) GROUP BY ALL", [handles]
    )
    given(sum(count for _, count in people) >= 6, "posts of hers that landed")
    assert [person for person, _ in people] == [person_of(world, "fashion_shopper")]


@later("R11, a later issue: the feature is_premium_in_store_only", duckdb.BinderException)
@case("fashion_shopper")
def test_the_fashion_shopper_is_known_to_buy_what_is_expensive_in_stores_only(world: Connection) -> None:
    """R11: and who buys nothing in stores is not."""
    assert profile(world, "fashion_shopper", "is_premium_in_store_only") == (True,)
    assert profile(world, "wii_game", "is_premium_in_store_only") == (False,)


@case("wii_game")
def test_the_night_knows_that_the_game_needs_a_console_that_he_did_not_buy_here(world: Connection) -> None:
    """R43: what the logic that is still to come needs."""
    game, console = "P201", "P101"
    given({game, console} == set(about(world, "wii_game", "sku")), "the game and its console")
    his = "SELECT DISTINCT product_id FROM order_lines WHERE person_id = ?"
    assert query(world, his, [person_of(world, "wii_game")]) == [(game,)]
    requires = number(world, "SELECT value FROM reference WHERE kind = 'product' AND key = ?", game)
    assert json.loads(requires)["requires"] == console


@later("R43, a later issue: the table recommendations (person_id, product_id)", duckdb.CatalogException)
@case("wii_game")
def test_who_bought_the_game_is_not_told_to_buy_the_console(world: Connection) -> None:
    """R43: nor the game again; he is told to buy something."""
    wanted = query(world, "SELECT product_id FROM recommendations WHERE person_id = ?", [person_of(world, "wii_game")])
    assert wanted
    assert {("P101",), ("P201",)}.isdisjoint(wanted)


@case("seven_shopper")
def test_whom_the_catalogue_shop_knows_by_seven_things_has_her_value_and_rfm(
    demo_night: Path, world: Connection
) -> None:
    """R9: what she paid, less what went back, to the cent."""
    [record] = about(world, "seven_shopper", "record")
    landed = demo_night / "landing" / "seven_points" / "*"
    expected = query(
        world,
        f"""SELECT count(DISTINCT order_no) FILTER (status = 'sale'), sum(CAST(amount AS DECIMAL(18, 2))), CAST(min(ordered_on) AS DATE)
        FROM read_csv('{landed}', all_varchar = true) WHERE customer_no = ?""",
        [record.removeprefix("seven_points:")],
    )[0]
    found = profile(world, "seven_shopper", "order_count, order_value_amount, first_order_on")
    assert found == expected
    assert expected[0] >= 20
    assert profile(world, "seven_shopper", "frequency_score, rfm_segment") == (5, "champions")


@case("replenishment")
def test_his_own_rhythm_of_four_weeks_is_measured(world: Connection) -> None:
    """R54: the same coffee every 28 days, give or take a tenth; nothing for two months."""
    rhythm, silent = profile(world, "replenishment", "mean_days_between_orders, days_since_last_order")
    assert isinstance(rhythm, Decimal)
    assert isinstance(silent, int)
    assert 25 <= rhythm <= 31
    assert silent > 2 * rhythm


@later("R54, a later issue: scores.next_order_on", duckdb.BinderException)
@case("replenishment")
def test_his_next_order_was_due_a_cycle_after_the_last(world: Connection) -> None:
    """R54: true purchase cycles."""
    him = person_of(world, "replenishment")
    [(due, last)] = query(
        world,
        "SELECT next_order_on, last_order_on FROM scores JOIN profiles USING (person_id) WHERE person_id = ?",
        [him],
    )
    assert isinstance(last, date)
    assert abs(due - (last + timedelta(days=28))) <= timedelta(days=3)


@case("sms_responder")
def test_who_answers_texts_and_never_mail_has_both_in_her_profile(world: Connection) -> None:
    """R55: opens by a mail program are no answer, and are told apart."""
    answers = query(
        world,
        """SELECT channel, kind FROM events WHERE person_id = ? AND kind IN ('send', 'open', 'click', 'reply')
        AND coalesce(json_extract_string(properties, '$.machine_open'), 'false') = 'false'""",
        [person_of(world, "sms_responder")],
    )
    assert answers.count(("email", "send")) >= 5
    assert answers.count(("email", "open")) <= 1
    assert answers.count(("email", "click")) == 0
    assert answers.count(("sms", "click")) >= 1


@later("R55, a later issue: scores.preferred_channel", duckdb.BinderException)
@case("sms_responder")
def test_who_answers_texts_and_never_mail_prefers_texts(world: Connection) -> None:
    """R55."""
    preferred = "SELECT preferred_channel FROM scores WHERE person_id = ?"
    assert number(world, preferred, person_of(world, "sms_responder")) == "sms"


@later("R50, a later issue: scores.preferred_hour", duckdb.BinderException)
def test_the_hour_that_people_prefer_is_found_more_often_than_by_chance(world: Connection) -> None:
    """R50: what and when; within two hours, which three of seventeen guesses would reach."""
    hits = query(
        world,
        """SELECT abs(scores.preferred_hour - true_people.preferred_hour) <= 2 FROM scores
        JOIN (SELECT DISTINCT person_id, true_person_id FROM found) AS found USING (person_id)
        JOIN true_people ON true_people.person_id = found.true_person_id WHERE scores.preferred_hour IS NOT NULL""",
    )
    assert len(hits) > 20
    assert sum(hit for (hit,) in hits) / len(hits) > 0.5


@case("cross_brand")
def test_who_has_an_account_at_each_brand_is_one_customer_of_both(world: Connection) -> None:
    """R7: and each order and each consent keeps its brand."""
    him = person_of(world, "cross_brand")
    orders = dict(query(world, "SELECT brand, count(*) FROM orders WHERE person_id = ? GROUP BY brand", [him]))
    assert orders.keys() == {"leaf_and_bean", "pixel_and_play"}
    assert sum(orders.values()) == number(world, "SELECT order_count FROM profiles WHERE person_id = ?", him)
    granted = query(
        world,
        """SELECT DISTINCT brand FROM consent_state JOIN identifiers USING (address)
        WHERE person_id = ? AND purpose = 'marketing' AND status = 'granted' ORDER BY brand""",
        [him],
    )
    assert granted == [("leaf_and_bean",), ("pixel_and_play",)]


@case("promo_hunter")
def test_who_uses_a_promotion_in_nearly_every_order_loves_promotions_and_gets_that_offer(world: Connection) -> None:
    """R34: and who hardly ever uses one does not."""
    shares = dict(
        query(
            world,
            """SELECT person_id, avg(CAST(is_promoted AS INTEGER)) FROM (
                SELECT person_id, order_key, sum(discount_amount) > 0 AS is_promoted
                FROM order_lines WHERE line_kind = 'sale' GROUP BY ALL)
            GROUP BY person_id HAVING count(*) >= 5""",
        )
    )
    him = person_of(world, "promo_hunter")
    sparing = {person for person, share in shares.items() if share < 0.1}
    given(shares[him] > 0.9 and len(sparing) >= 5, "promotions in nine orders of ten, and people who hardly use any")
    lovers = {p for (p,) in query(world, "SELECT person_id FROM segment_members WHERE segment = 'promotion_lovers'")}
    assert lovers.isdisjoint(sparing)
    assert him in lovers
    assert query(world, "SELECT offer FROM decisions WHERE person_id = ?", [him]) == [("tea_sampler",)]

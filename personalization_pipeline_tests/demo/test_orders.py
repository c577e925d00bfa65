"""Purchases: lifetimes, cycles and the campaign's effect are as planted, the money adds up, and every order has its record."""

from __future__ import annotations

import pytest

from personalization_pipeline.foundation.warehouse import Connection, query


def one(connection: Connection, sql: str) -> tuple[float, ...]:
    return query(connection, sql)[0]


def test_nobody_buys_before_she_came_or_after_she_left(made_world: Connection) -> None:
    sql = (
        "SELECT count(*) FROM orders JOIN people ON people.person_n = orders.person_n "
        "WHERE ordered_at < joined_at OR ordered_at > coalesce(left_at, TIMESTAMP '2026-08-01')"
    )
    assert one(made_world, sql) == (0,)


def test_every_customer_buys_and_nobody_else(made_world: Connection) -> None:
    sql = (
        "SELECT count(*) FILTER (is_customer <> (person_n IN (SELECT person_n FROM orders))), count(*) FILTER (is_customer) "
        "FROM people"
    )
    wrong, customers = one(made_world, sql)
    assert wrong == 0
    assert 2000 < customers < 2500


def test_rates_are_those_of_the_people(made_world: Connection) -> None:
    """Orders beyond the first, of people without a cycle, against the sum of rate times lifetime."""
    sql = """
        SELECT sum(random_orders), sum(order_rate * epoch(coalesce(left_at, TIMESTAMP '2026-08-01') - joined_at) / 604800)
        FROM people WHERE is_customer AND persona = ''
    """
    drawn, expected = one(made_world, sql)
    assert drawn == pytest.approx(expected, rel=0.06)


def test_the_pack_is_bought_again_when_it_is_empty(made_world: Connection) -> None:
    sql = """
        WITH bought AS (
            SELECT orders.person_n, ordered_at, people.cycle_days,
                epoch(ordered_at - lag(ordered_at) OVER (PARTITION BY orders.person_n ORDER BY ordered_at)) / 86400 AS gap
            FROM orders JOIN people ON people.person_n = orders.person_n
            WHERE orders.reason IN ('first', 'cycle') AND people.cycle_days IS NOT NULL
        )
        SELECT count(gap), avg(gap / cycle_days), count(*) FILTER (abs(gap - cycle_days) > 0.2 * cycle_days + 1.1) FROM bought
    """
    count, ratio, far = one(made_world, sql)
    assert count > 1000
    assert ratio == pytest.approx(1, abs=0.02)
    assert far == 0


def test_the_campaign_does_what_the_truth_says(
    tmp_path_factory: pytest.TempPathFactory, made_world: Connection
) -> None:
    """Extra orders go to treated people only; their number is what the pulls add up to."""
    sql = """
        SELECT count(*) FILTER (arm = 'treated' AND has_extra), count(*) FILTER (arm <> 'treated' AND has_extra),
            sum(campaign_pull) FILTER (arm = 'treated')
        FROM (SELECT *, person_n IN (SELECT person_n FROM orders WHERE reason = 'campaign') AS has_extra FROM people)
    """
    treated, others, expected = one(made_world, sql)
    assert others == 0
    assert treated == pytest.approx(expected, abs=4 * expected**0.5)


def test_the_arms_are_alike_but_for_the_campaign(made_world: Connection) -> None:
    sql = """
        SELECT avg(order_rate) FILTER (arm = 'treated'), avg(order_rate) FILTER (arm = 'holdout'),
            count(*) FILTER (arm = 'treated'), count(*) FILTER (arm = 'holdout')
        FROM people
    """
    treated_rate, held_rate, treated, held = one(made_world, sql)
    assert treated_rate == pytest.approx(held_rate, rel=0.35)
    assert treated / (treated + held) == pytest.approx(0.5, abs=0.07)


def test_every_order_of_a_known_person_is_hers(made_world: Connection) -> None:
    sql = (
        "SELECT count(*) FILTER (orders.record_n IS NULL AND orders.source <> 'pos'), "
        "count(*) FILTER (orders.record_n IS NOT NULL AND records.person_n IS DISTINCT FROM orders.person_n), "
        "count(*) FILTER (orders.record_n IS NULL) / count(*) FILTER (orders.source = 'pos') "
        "FROM orders LEFT JOIN records ON records.record_n = orders.record_n"
    )
    unknown_online, wrong, unknown_share = one(made_world, sql)
    assert (unknown_online, wrong) == (0, 0)
    assert 0.2 < unknown_share < 0.6  # in stores nobody knows who buys without a card


def test_what_is_taken_back_was_sold_before_in_the_same_order_for_the_same_money(made_world: Connection) -> None:
    sql = """
        SELECT count(*), count(*) FILTER (
            sale.order_n IS NULL OR back.amount_cents <> -sale.amount_cents OR back.quantity <> -sale.quantity
            OR back.discount_cents <> -sale.discount_cents OR back.occurred_at <= sale.occurred_at
        ), list(DISTINCT back.line_kind ORDER BY back.line_kind)
        FROM lines AS back
        LEFT JOIN lines AS sale ON sale.order_n = back.order_n AND sale.line_no = back.line_no - 100 AND sale.line_kind = 'sale'
        WHERE back.line_kind <> 'sale'
    """
    count, wrong, kinds = one(made_world, sql)
    assert count > 300
    assert wrong == 0
    assert kinds == ["cancellation", "refund", "return"]


def test_a_line_costs_its_price_less_its_discount_and_an_order_holds_an_article_once(made_world: Connection) -> None:
    sql = """
        SELECT count(*) FILTER (amount_cents + discount_cents <> quantity * price_cents),
            count(*) - count(DISTINCT (order_n, lines.sku, line_kind)), count(*) - count(DISTINCT (order_n, line_no))
        FROM lines JOIN products ON products.sku = lines.sku
    """
    assert one(made_world, sql) == (0, 0, 0)


def test_each_order_has_a_first_line_and_articles_of_its_brand(made_world: Connection) -> None:
    sql = """
        SELECT count(DISTINCT orders.order_n) FILTER (lines.line_no = 1) - (SELECT count(*) FROM orders),
            count(*) FILTER (products.brand <> orders.brand)
        FROM orders JOIN lines ON lines.order_n = orders.order_n JOIN products ON products.sku = lines.sku
    """
    assert one(made_world, sql) == (0, 0)


def test_the_fashion_shopper_buys_what_is_dear_in_the_store_only(made_world: Connection) -> None:
    rows = query(
        made_world,
        "SELECT orders.source, min(price_cents), max(price_cents) FROM orders JOIN lines ON lines.order_n = orders.order_n "
        "JOIN products ON products.sku = lines.sku WHERE persona = 'fashion_shopper' GROUP BY orders.source ORDER BY orders.source",
    )
    assert [source for source, *_ in rows] == ["pos", "shopify"]
    (_, cheapest_in_store, _), (_, _, dearest_online) = rows
    assert cheapest_in_store > dearest_online


def test_the_wii_player_bought_a_game_and_never_its_console(made_world: Connection) -> None:
    rows = query(
        made_world,
        "SELECT lines.sku, products.requires_sku FROM orders JOIN lines ON lines.order_n = orders.order_n "
        "JOIN products ON products.sku = lines.sku WHERE persona = 'wii_game'",
    )
    assert rows == [("P201", "P101")]
    assert query(made_world, "SELECT kind FROM products WHERE sku = 'P101'") == [("base",)]


def test_forty_people_sign_in_at_a_kiosk(made_world: Connection) -> None:
    (most,) = one(
        made_world,
        "SELECT max(people) FROM (SELECT count(*) AS people FROM devices WHERE kind = 'kiosk' GROUP BY device_id)",
    )
    assert 30 <= most <= 60

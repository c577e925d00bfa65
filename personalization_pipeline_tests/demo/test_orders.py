"""Purchases: the model's assumptions hold, the money adds up, and nothing lies outside the landed time."""

from __future__ import annotations

from statistics import mean

from personalization_pipeline.demo.orders import CLOSED_AT, DROPOUT_B, OPENED_AT, RATE_ALPHA
from personalization_pipeline.demo.world import World


def test_rates_and_dropouts_have_the_stated_means(world: World) -> None:
    behaviours = [history.behaviour for history in world.histories.values()]
    assert len(behaviours) > 350
    rate = mean(behaviour.purchase_rate for behaviour in behaviours)
    dropout = mean(behaviour.dropout_probability for behaviour in behaviours)
    assert abs(rate * RATE_ALPHA - 1) < 0.2  # four standard errors of an exponential mean
    assert abs(dropout - 1 / (1 + DROPOUT_B)) < 0.04


def test_only_who_bought_twice_can_have_stopped(world: World) -> None:
    stopped = [history for history in world.histories.values() if not history.is_alive]
    assert stopped
    assert all(len(history.purchases) >= 2 for history in stopped)
    assert 0.5 < mean(history.is_alive for history in world.histories.values()) < 0.85


def test_everything_is_booked_while_the_shop_was_open(world: World) -> None:
    lines = [
        (purchase.created_at, line.booked_at)
        for history in world.histories.values()
        for purchase in history.purchases
        for line in purchase.lines
    ]
    assert all(OPENED_AT <= created_at <= booked_at < CLOSED_AT for created_at, booked_at in lines)


def test_orders_of_a_person_are_in_order_and_number_their_lines(world: World) -> None:
    for history in world.histories.values():
        moments = [purchase.created_at for purchase in history.purchases]
        assert moments == sorted(moments)
        for purchase in history.purchases:
            numbers = [line.line_number for line in purchase.lines]
            assert len(numbers) == len(set(numbers))
            assert numbers[0] == 1


def test_what_is_taken_back_was_sold_before_in_the_same_order(world: World) -> None:
    kinds = set()
    for history in world.histories.values():
        for purchase in history.purchases:
            sold = {line.product.sku: line for line in purchase.lines if line.status == "paid"}
            for line in purchase.lines:
                kinds.add(line.status)
                if line.status == "paid":
                    assert min(line.quantity, line.total_cents) > 0
                    full = line.product.price_cents * line.quantity
                    assert line.total_cents + line.discount_cents == full
                    continue
                original = sold[line.product.sku]
                assert line.booked_at > original.booked_at
                assert (line.quantity, line.total_cents, line.discount_cents) == (
                    -original.quantity,
                    -original.total_cents,
                    -original.discount_cents,
                )
    assert kinds == {"paid", "cancelled", "refunded"}

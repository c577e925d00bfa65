"""What a person of the demo world is like as a customer: the latent truths that her purchases and answers follow from.

Belongs here: rates, shares, preferences, lifetimes, and the arm and true effect of the randomised campaign. Does not
belong here: the purchases themselves (facts/orders.sql) and who she is (households, people).

Purchases follow Schmittlein, Morrison and Colombo 1987: while she is a customer she buys at a rate of her own (Poisson),
until she leaves for good after a lifetime of her own (exponential); rates and hazards differ from person to person.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Draws, Flags, Floats, Numbers

BRANDS = ("leaf_and_bean", "pixel_and_play")
OPENED_AT = datetime(2024, 7, 1)  # of both shops
SEVEN_OPENED_AT = datetime(2021, 7, 1)  # of the old catalogue shop, which knows seven things only
WORLD_ENDS_AT = datetime(2026, 8, 1)  # so there are up to 31 nights
CAMPAIGN_AT = datetime(2026, 4, 14, 8)
CAMPAIGN_DAYS = 28
RATE_ALPHA = 13.0  # weeks; rates are gamma(1, alpha)
HAZARD_B = 60.0  # weekly hazards of leaving are beta(1, b)
PROMO_B = 0.85  # shares of orders with a code are beta(1, b), mean .54: of a real grocer's lines .51 are promoted, of the money .51
CUSTOMER_SHARE, BOT_SHARE, SEVEN_SHARE = 0.74, 0.01, 0.04
MOST_ORDERS = 700
CYCLE_SHARE = 0.22  # of customers: they come back when the pack is empty
CYCLE_BAND = (0.8, 1.3)  # around the product's own cycle
HOURS = tuple(zip(range(6, 23), (1, 2, 3, 4, 4, 4, 5, 4, 4, 4, 5, 6, 8, 9, 8, 6, 3), strict=True))
WEEK = 7 * 86400


def behaviours(seed: int, n: Numbers) -> pl.DataFrame:
    """One row per person: see the columns. Times are naive UTC; rates are per week; shares lie in 0..1."""
    d = Draws(seed, n)
    kind = d.uniform("kind of customer")
    is_bot, is_seven = kind < BOT_SHARE, (kind >= BOT_SHARE) & (kind < BOT_SHARE + SEVEN_SHARE)
    is_customer = is_seven | (~is_bot & d.happens("customer", CUSTOMER_SHARE))
    opened = np.where(is_seven, (SEVEN_OPENED_AT - OPENED_AT).total_seconds(), 0).astype(np.int64)
    ends = int((WORLD_ENDS_AT - OPENED_AT).total_seconds())
    joined = opened + (d.uniform("joined") * (ends - opened)).astype(np.int64)
    hazard = d.beta_one("hazard", HAZARD_B)
    left = joined + (d.exponential("lifetime", 1.0) / -np.log1p(-hazard) * WEEK).astype(np.int64)
    has_left = is_customer & (left < ends)
    weeks = (np.where(has_left, left, ends) - joined) / WEEK
    rate = np.minimum(d.exponential("rate", 1 / RATE_ALPHA), 3.0)
    b_home, other = d.happens("home brand", 0.42), d.happens("both brands", 0.3) & ~is_seven
    b_home &= ~is_seven
    minor = np.where(other, 0.05 + 0.3 * d.uniform("minor share"), 0.0)
    has_cycle = is_customer & ~is_seven & ~b_home & d.happens("cycle", CYCLE_SHARE * 1.5)
    sms = d.happens("preferred channel", 0.4)
    strong, weak = 0.25 + 0.4 * d.uniform("response"), 0.01 + 0.09 * d.uniform("weak response")
    fits = is_customer & ~is_seven & ~has_cycle & _lives_through_campaign(joined, np.where(has_left, left, ends))
    pull, push, uplift = _effects(d, rate, fits)
    in_stores = is_customer & ~is_seven & d.happens("goes to stores", 0.55)
    store = np.where(in_stores, 0.1 + 0.85 * d.uniform("store share"), 0.0)
    columns = {
        "is_customer": is_customer,
        "is_bot": is_bot,
        "is_seven": is_seven,
        "joined_at": _moments(joined),
        "left_at": _moments(left, has_left),
        "order_rate": np.round(rate, 5),
        "dropout_share": np.round(hazard, 5),
        "random_orders": np.where(is_customer, d.poisson("orders", rate * np.maximum(weeks, 0), MOST_ORDERS), 0),
        "spend_factor": np.round(np.exp(0.45 * d.normal("spend")), 3),
        "promo_share": np.round(d.beta_one("promo share", PROMO_B), 3),
        "home_brand": np.where(b_home, BRANDS[1], BRANDS[0]),
        "brand_b_share": np.round(np.where(b_home, 1 - minor, minor), 3),
        "store_share": np.round(store, 3),
        "app_share": np.round(np.where(d.happens("uses app", 0.45), 0.2 + 0.7 * d.uniform("app share"), 0.0), 3),
        "favourite_category": np.where(
            b_home, d.weighted("favourite", _categories(1)), d.weighted("favourite", _categories(0))
        ),
        "preferred_channel": np.where(sms, "sms", "email"),
        "preferred_hour": d.weighted("hour", HOURS),
        "email_response": np.round(np.where(sms, weak, strong), 3),
        "sms_response": np.round(np.where(sms, strong, weak), 3),
        "uplift": np.round(uplift, 4),
        "campaign_pull": np.round(pull, 4),
        "campaign_push": np.round(push, 4),
        "arm": np.where(
            fits & d.happens("in campaign", 0.8), np.where(d.happens("held out", 0.5), "holdout", "treated"), "none"
        ),
        "is_in_crm": ~is_seven & ~is_bot & np.where(is_customer, d.happens("crm", 0.64), True),
        "has_card": in_stores & d.happens("card", 0.7),
        "is_guest_first": is_customer & ~is_seven & d.happens("guest first", 0.22),
        "has_second_account": is_customer & ~is_seven & d.happens("second account", 0.16),
        "is_in_demographics": ~is_bot & ~is_seven & d.happens("demographics", 0.3),
        "is_premium_in_store": np.zeros(len(n), dtype=bool),
    }
    return pl.DataFrame(columns).hstack(_cycles(d, has_cycle))


def _categories(brand: int) -> tuple[tuple[str, float], ...]:
    """Categories of a brand by how many articles they have."""
    counts = words.products().filter(brand=BRANDS[brand]).group_by("category").len().sort("category")
    return tuple((name, float(count)) for name, count in counts.iter_rows())


def _cycles(d: Draws, has_cycle: Flags) -> pl.DataFrame:
    """The consumable that a person buys again when it is used up, and after how many days that is."""
    listed = words.products().filter(brand=BRANDS[0], kind="consumable").sort("sku")
    place = d.between("consumable", 0, listed.height - 1)
    low, high = CYCLE_BAND
    days = np.round(listed["cycle_days"].to_numpy()[place] * (low + (high - low) * d.uniform("own cycle"))).astype(
        np.int64
    )
    keeps = pl.Series(has_cycle)
    return pl.DataFrame(
        {
            "cycle_sku": pl.select(pl.when(keeps).then(listed["sku"].gather(place))).to_series(),
            "cycle_days": pl.select(pl.when(keeps).then(pl.Series(days))).to_series(),
        }
    )


def _lives_through_campaign(joined: Numbers, left: Numbers) -> Flags:
    starts = int((CAMPAIGN_AT - OPENED_AT).total_seconds())
    return np.asarray((joined < starts) & (left >= starts + CAMPAIGN_DAYS * 86400))


def _effects(d: Draws, rate: Floats, fits: Flags) -> tuple[Floats, Floats, Floats]:
    """How likely the campaign brings an order that would not have been (pull), how likely it spoils one (push), and what
    either does to the probability that she buys at all in its four weeks (uplift).
    """
    kind, strength = d.uniform("kind of response"), d.uniform("strength of response")
    weeks = CAMPAIGN_DAYS / 7
    without = 1 - np.exp(-rate * weeks)
    pull = np.where(fits & (kind < 0.25), 0.10 + 0.20 * strength, 0.0)  # persuadable
    push = np.where(fits & (kind > 0.93), 0.3 + 0.4 * strength, 0.0)  # better left alone
    pushed = 1 - np.exp(-rate * (1 - push) * weeks)
    return pull, push, np.where(fits, pull * (1 - without) + pushed - without, 0.0)


def _moments(seconds: Numbers, known: Flags | None = None) -> pl.Series:
    """Moments so many seconds after OPENED_AT; null where not known."""
    found = pl.DataFrame({"seconds": seconds, "known": np.ones(len(seconds), dtype=bool) if known is None else known})
    moment = pl.lit(OPENED_AT).cast(pl.Datetime("us")) + pl.duration(seconds="seconds")
    return found.select(moment=pl.when("known").then(moment))["moment"]

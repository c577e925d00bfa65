"""Which records a person of the demo world has in which system, what each holds of her, and how often.

Belongs here: the kinds of record, their ids and shares: the dials of the puzzle. Does not belong here: putting one
together (records), the records that touchpoints make, and the form of the files (files/).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from personalization_pipeline.demo.chance import Weights

HOME_EMAIL: Weights = (("main", 0.86), ("other", 0.14))


@dataclass(frozen=True)
class Kind:
    """One kind of record: its place among a person's records, its source, and what it holds."""

    slot: int  # record_n = person_n * 10 + slot
    source: str
    who: pl.Expr  # which people have one
    number: Callable[[int], str]  # record_n -> record_id
    email: Weights
    phone: Weights
    address: Weights
    is_typed_by_clerk: bool = True
    has_names: bool = True
    has_birth_date: bool = True


def numbered(prefix: str, digits: int) -> Callable[[int], str]:
    """Ids that do not tell who came next to whom: steps without a common factor with ten reach every number once."""
    return lambda n: f"{prefix}{n * 7_368_787 % 10**digits:0{digits}d}"


def salesforce_id(n: int) -> str:
    """An 18-character id: 15 that distinguish small and capital letters, and three that say which are capitals."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    left, digits = n * 40_503_607 % 62**7, ""
    for _ in range(7):
        left, place = divmod(left, 62)
        digits = letters[place] + digits
    short, check = f"0035f000{digits}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(check[sum(1 << at for at, letter in enumerate(part) if letter.isupper())] for part in parts)


def guest_id(n: int) -> str:
    """A guest has no account: she is known by her first order, whose id is the macro `order_id` of person_n * 1000."""
    return str(5_000_000_000_000 + n // 10 * 1000 * 982_451_653 % 10**12)


_BUYS = pl.col("is_customer") & ~pl.col("is_seven")
_ACCOUNT = Kind(
    slot=0,
    source="shopify_customers",
    who=_BUYS,
    number=numbered("9", 12),
    email=HOME_EMAIL,
    phone=(("mobile", 0.82), ("landline", 0.08), ("none", 0.10)),
    address=(("current", 0.75), ("former", 0.25)),
    is_typed_by_clerk=False,
    has_birth_date=False,
)
_ENTRY = Kind(
    slot=3,
    source="salesforce_contacts",
    who=pl.col("is_in_crm"),
    number=salesforce_id,
    email=(("main", 0.60), ("other", 0.15), ("none", 0.145), ("noemail", 0.015), ("test", 0.09)),
    phone=(("mobile", 0.75), ("landline", 0.10), ("none", 0.14), ("placeholder", 0.01)),
    address=(("current", 0.60), ("former", 0.34), ("none", 0.06)),
)
KINDS = (
    _ACCOUNT,
    replace(
        _ACCOUNT,
        slot=1,
        who=_BUYS & pl.col("brand_b_share").is_between(0, 1, closed="none"),
        email=(("main", 0.7), ("other", 0.3)),
    ),
    replace(_ACCOUNT, slot=2, who=_BUYS & pl.col("has_second_account"), email=(("unused", 1.0),)),
    _ENTRY,
    replace(_ENTRY, slot=4, who=pl.col("is_in_crm") & pl.col("is_twice_in_crm")),
    replace(
        _ACCOUNT,
        slot=5,
        source="shopify_orders",
        who=pl.col("is_guest_first"),
        number=guest_id,
        email=(("main", 0.6), ("other", 0.4)),
    ),
    replace(
        _ENTRY,
        slot=6,
        source="loyalty_members",
        who=pl.col("has_card"),
        number=numbered("2600", 9),
        email=(("main", 0.5), ("other", 0.1), ("none", 0.4)),
        phone=(("mobile", 0.7), ("landline", 0.1), ("none", 0.2)),
        address=(("current", 0.65), ("former", 0.25), ("none", 0.1)),
    ),
    replace(
        _ENTRY,
        slot=7,
        source="third_party_demographics",
        who=pl.col("is_in_demographics"),
        number=numbered("TP", 9),
        email=(("main", 0.45), ("other", 0.2), ("none", 0.35)),
        phone=(("none", 1.0),),
        address=(("current", 0.8), ("former", 0.2)),
    ),
    # The old catalogue shop knows where its customers live, what sex they are and what they bought; nothing else.
    Kind(
        8,
        "seven_points",
        pl.col("is_seven"),
        numbered("K", 9),
        (("none", 1.0),),
        (("none", 1.0),),
        (("current", 1.0),),
        has_names=False,
        has_birth_date=False,
    ),
)

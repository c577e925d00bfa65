"""The true people of the demo world, chunk by chunk: members of households who have addresses, numbers and mailboxes.

Belongs here: putting a person together. Does not belong here: who lives with whom (households), what she is like as a
customer (behaviour), how systems saw her (records). What depends on everybody, such as a mailbox that is already taken,
is settled afterwards in facts/people.sql.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from personalization_pipeline.demo.behaviour import behaviours
from personalization_pipeline.demo.chance import Draws
from personalization_pipeline.demo.contact_points import HABITS, MAIL_DOMAINS, addresses, mailbox_names, mobiles
from personalization_pipeline.demo.households import LOOKALIKES, members
from personalization_pipeline.demo.planted import PLANTED_COUNT, plant

CHUNK = 20_000
LANDLINE_SHARE = 0.55  # of households
MOVED_SHARE = 0.14  # of households, in the last five years: some system still has the address before
SHARED_MAILBOX_SHARE = 0.10  # of households of two or more
SHARED_MOBILE_SHARE = 0.06  # of second members: they have none of their own
LANGUAGES = {"GB": "en", "DE": "de", "FR": "fr"}


def chunks(count: int) -> list[tuple[int, int]]:
    """(first person, how many) of each chunk of a world."""
    return [(start + 1, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]


def people(seed: int, first_n: int, count: int) -> pl.DataFrame:
    """People first_n ... first_n + count - 1, one row each. Mailboxes may still be taken, landlines not yet given."""
    found = members(seed, first_n, count)
    n = found["person_n"].to_numpy()
    found = found.hstack(behaviours(seed, n))
    found = plant(found) if first_n == 1 else found.with_columns(persona=pl.lit(""))
    country = found["country"].to_numpy()
    person, home = Draws(seed, n), Draws(seed, found["household_n"].to_numpy())
    unit = Draws(seed, found["unit_n"].to_numpy())
    former = Draws(seed, -found["household_n"].to_numpy())
    lived = addresses(former, former, country).select(pl.all().name.prefix("former_"))
    persona = found["persona"]
    moved = np.where(persona == "", home.happens("moved", MOVED_SHARE), persona == "married_and_moved")
    found = found.hstack(addresses(home, unit, country)).hstack(
        lived.select(pl.when(pl.Series(moved)).then(pl.exclude("former_landline_block")).name.keep())
    )
    wed = person.between("wedding", 30, 1500)
    is_married = (found["old_last_name"] != "").to_numpy()
    return found.with_columns(
        person_id="t" + pl.col("person_n").cast(pl.String).str.zfill(7),
        household_id="h" + pl.col("household_n").cast(pl.String).str.zfill(7),
        language=pl.col("country").replace_strict(LANGUAGES),
        phone=mobiles(_mobile_owners(found, home), found["country"]),
        has_landline=pl.Series(home.happens("landline", LANDLINE_SHARE)),
        moved_at=_day_before_end(home.between("move", 20, 1800), moved),
        married_at=_day_before_end(wed, is_married),
        lookalike_n=pl.Series(_lookalikes(found)),
        **_mailboxes(found, person, home),
    ).drop("unit_n", "role")


def _day_before_end(days: NDArray[Any], known: NDArray[Any]) -> pl.Series:
    found = pl.DataFrame({"days": days, "known": known})
    day = pl.lit(date(2026, 7, 1)).cast(pl.Datetime("us")) - pl.duration(days="days") + timedelta(hours=9)
    return found.select(day=pl.when("known").then(day))["day"]


def _mobile_owners(found: pl.DataFrame, home: Draws) -> NDArray[Any]:
    """Whose mobile each person gives: mostly her own, in some homes that of the first member."""
    shares = (
        home.happens("shared mobile", SHARED_MOBILE_SHARE)
        & (found["role"] == 1).to_numpy()
        & (found["kind"] == "couple").to_numpy()
    )
    return np.where(shares, found["household_n"].to_numpy(), found["person_n"].to_numpy())


def _lookalikes(found: pl.DataFrame) -> NDArray[Any]:
    """The number of the person that each one is easily taken for; 0 for nobody."""
    is_one = found["kind"].is_in(LOOKALIKES).to_numpy()
    role, n = found["role"].to_numpy(), found["person_n"].to_numpy()
    return np.where(is_one, np.where(role == 0, n + 1, n - 1), 0)


def _firsts(household: pl.Series) -> pl.Series:
    """Of each person the place of the first of her household in the chunk: a household carries its first one's number."""
    return (household - int(household[0])).clip(0)


def _mailboxes(found: pl.DataFrame, person: Draws, home: Draws) -> dict[str, pl.Series]:
    """Wanted mailboxes, main and other, each with the number of its owner: who comes first gets it without a number."""
    n, household = found["person_n"], found["household_n"]
    is_shared = pl.Series(home.happens("shared mailbox", SHARED_MAILBOX_SHARE)) & (household.is_duplicated())
    born = found["birth_date"].dt.year()
    before = pl.select(
        pl.when(found["old_last_name"] != "").then(found["old_last_name"]).otherwise(found["last_name"])
    ).to_series()
    main, other = (
        mailbox_names(found["first_name"], last, born, pl.Series(person.weighted(f"habit {slot}", HABITS)))
        for slot, last in (("main", found["last_name"]), ("other", before))
    )
    family = mailbox_names(
        pl.Series(["family"]).gather(np.zeros(len(n), dtype=np.int64)),
        found["last_name"].gather(_firsts(household)),
        born,
        pl.Series(["first.last"] * len(n)),
    )
    return {
        "mailbox": main,
        "mailbox_domain": pl.Series(person.weighted("domain main", MAIL_DOMAINS)),
        "mailbox_owner": n * 4,
        "other_mailbox": pl.select(pl.when(is_shared).then(family).otherwise(other)).to_series(),
        "other_domain": pl.select(
            pl.when(is_shared)
            .then(pl.Series(home.weighted("domain family", MAIL_DOMAINS)))
            .otherwise(pl.Series(person.weighted("domain other", MAIL_DOMAINS)))
        ).to_series(),
        "other_owner": pl.select(pl.when(is_shared).then(household * 4 + 2).otherwise(n * 4 + 1)).to_series(),
    }


assert PLANTED_COUNT < 50  # every world has room for them

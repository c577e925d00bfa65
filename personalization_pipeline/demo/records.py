"""How the systems of the demo world saw its people: accounts, CRM entries, cards, each with its share of mistakes.

Belongs here: what of the truth is in each record, and what went wrong on the way. Does not belong here: which records
there are (record_kinds), one mistake (mistakes), the form of the files (files/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl

from personalization_pipeline.demo import mistakes
from personalization_pipeline.demo.chance import Draws, Flags, Luck
from personalization_pipeline.demo.contact_points import DIALLING_CODES
from personalization_pipeline.demo.households import LOOKALIKES, TODAY
from personalization_pipeline.demo.record_kinds import HOME_EMAIL, KINDS, Kind

NO_EMAIL, TEST_EMAIL = "noemail@example.com", "test@test.com"  # typed to fill a field
NO_PHONE = {country: f"+{code}000000000" for country, code in DIALLING_CODES.items()}
NO_BIRTHDAY = date(1900, 1, 1)
CRM_DUPLICATE_SHARE = 0.12
NAME_TYPO_SHARE, PHONE_TYPO_SHARE, EMAIL_TYPO_SHARE = 0.06, 0.045, 0.02
SHORT_FORM_SHARE, INITIAL_SHARE, NO_ACCENTS_SHARE, SWAPPED_SHARE = 0.12, 0.04, 0.25, 0.01
NEVER_TOLD_SHARE = 0.3  # of weddings
ABBREVIATED_SHARE, CAPITALS_SHARE, SMALL_SHARE, ODD_EMAIL_SHARE = 0.22, 0.04, 0.02, 0.08
BIRTH_DATES = (("right", 0.83), ("none", 0.14), ("placeholder", 0.015), ("swapped", 0.015))
SPELLINGS = (("passport", 0.5), ("by ear", 0.35), ("native", 0.15))
STYLES = {
    False: (("e164", 0.7), ("international", 0.3)),
    True: (("national", 0.35), ("spaced", 0.3), ("international", 0.2), ("zeros", 0.15)),
}
COLUMNS = (
    *("record_n", "person_n", "source", "record_id", "first_name", "last_name", "email", "phone", "birth_date"),
    *("street", "house_number", "postal_code", "city", "country", "language", "created_at", "updated_at", "mistakes"),
)


def records(seed: int, people: pl.DataFrame) -> pl.DataFrame:
    """All records of these people (rows of facts/people.sql), one row each; text columns are '' where nothing is known."""
    twice = Draws(seed, people["person_n"].to_numpy()).happens("crm again", CRM_DUPLICATE_SHARE)
    people = people.with_columns(is_twice_in_crm=pl.Series(twice) & (pl.col("persona") == ""))
    return pl.concat([_records(seed, kind, people.filter(kind.who)) for kind in KINDS]).sort("record_n")


def _records(seed: int, kind: Kind, people: pl.DataFrame) -> pl.DataFrame:
    """One kind of record of those people who have it."""
    n = people["person_n"].to_numpy() * 10 + kind.slot
    frame = people.with_columns(
        record_n=pl.Series(n),
        source=pl.lit(kind.source),
        record_id=pl.Series([kind.number(int(number)) for number in n], dtype=pl.String),
        mistakes=pl.lit(""),
        is_free=pl.col("persona") == "",  # what is planted is planted exactly
    )
    draws = Draws(seed, n)
    frame = _names(draws, _times(draws, frame, kind), kind)
    frame = _as_written(draws, _contacts(seed, draws, frame, kind), kind)
    return frame.with_columns(pl.col("mistakes").str.strip_chars()).select(COLUMNS)


def _times(draws: Draws, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """When the record was made, and when it was last touched before the first night."""
    wait = draws.between("made after", 0, 0 if kind.slot in (0, 1, 5, 8) else 40)
    frame = frame.with_columns(wait=pl.Series(wait)).with_columns(
        created_at=pl.col("joined_at") + pl.duration(days="wait")
    )
    left = (pl.lit(TODAY).cast(pl.Datetime("us")) - pl.col("created_at")).dt.total_seconds().clip(0)
    later = (left * pl.Series(draws.uniform("touched") ** 2)).cast(pl.Int64)
    return frame.with_columns(updated_at=pl.col("created_at") + pl.duration(seconds=later))


def _names(draws: Draws, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """First and last name as this system has them."""
    if not kind.has_names:
        return frame.with_columns(first_name=pl.lit(""), last_name=pl.lit(""))
    free, is_shop = pl.col("is_free"), kind.source.startswith("shopify")
    initial = (pl.col("signs_with_initial") | (free & _flag(draws, "initial", INITIAL_SHARE))) & pl.lit(is_shop)
    forms = pl.col("short_forms").str.split(" ")
    short = free & _flag(draws, "short form", SHORT_FORM_SHARE) & (pl.col("short_forms") != "") & ~initial
    form = forms.list.get(pl.Series(draws.between("which short form", 0, 11)) % forms.list.len())
    unheard = (pl.col("updated_at") < pl.col("married_at")) | _flag(draws, "never told", NEVER_TOLD_SHARE)
    former = (pl.col("old_last_name") != "") & pl.when(free).then(unheard).otherwise(pl.lit(kind.slot == 3))
    frame = frame.with_columns(
        first_name=pl.when(initial)
        .then(pl.col("first_name").str.slice(0, 1) + ".")
        .when(short)
        .then(form)
        .otherwise("first_name"),
        last_name=pl.when(former).then("old_last_name").otherwise("last_name"),
        mistakes=pl.when(initial).then(pl.lit(" initial")).when(short).then(pl.lit(" short_form")).otherwise(pl.lit(""))
        + pl.when(former).then(pl.lit(" former_name")).otherwise(pl.lit("")),
    )
    frame = _spelled(draws, frame, kind)
    bare, typed = draws.happens("no accents", NO_ACCENTS_SHARE), draws.happens("name typo", NAME_TYPO_SHARE)
    in_first = draws.happens("first name typo", 0.4)
    for column in ("first_name", "last_name"):
        frame = _slips(
            draws, frame, column, bare, "accents", lambda text, _, luck: mistakes.without_accents(text, luck)
        )
    for column, hit in (("first_name", typed & in_first), ("last_name", typed & ~in_first)):
        frame = _slips(draws, frame, column, hit, "name_typo", lambda text, _, luck: mistakes.typo(text, luck))
    swapped = free & _flag(draws, "swapped", SWAPPED_SHARE)
    frame = frame.with_columns(
        first_name=pl.when(swapped).then("last_name").otherwise("first_name"),
        last_name=pl.when(swapped).then("first_name").otherwise("last_name"),
        mistakes=_told(swapped, "names_swapped"),
    )
    style, names = pl.Series(draws.uniform("capitals")), pl.col("first_name", "last_name")
    capitals, small = free & (style < CAPITALS_SHARE), free & (style > 1 - SMALL_SHARE)
    return frame.with_columns(
        pl.when(capitals)
        .then(names.str.to_uppercase())
        .when(small)
        .then(names.str.to_lowercase())
        .otherwise(names)
        .name.keep()
    )


def _spelled(draws: Draws, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Names of another alphabet: as in the passport, written by ear, or in their own letters."""
    styles, bits = draws.weighted("spelling", SPELLINGS), draws.bits("by ear")
    names = ("first_name", "last_name", "mistakes")
    others = ("native_first_name", "native_last_name", "first_spellings", "last_spellings", "is_free")
    cells = {name: frame[name].to_list() for name in (*names, *others)}
    for at in np.flatnonzero((frame["script"] != "").to_numpy()):
        style = styles[at] if cells["is_free"][at] else {0: "by ear", 3: "native"}.get(kind.slot, "passport")
        luck = Luck(int(bits[at]))
        if style == "native" and cells["native_first_name"][at]:
            cells["first_name"][at], cells["last_name"][at] = (
                cells["native_first_name"][at],
                cells["native_last_name"][at],
            )
            cells["mistakes"][at] += " script"
        elif style == "by ear":
            for name, spellings in (("first_name", "first_spellings"), ("last_name", "last_spellings")):
                cells[name][at] = luck.pick(cells[spellings][at].split() or [cells[name][at]])
            cells["mistakes"][at] += " transliteration"
    return frame.with_columns(pl.Series(name, cells[name], dtype=pl.String) for name in names)


def _contacts(seed: int, draws: Draws, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Mailbox, telephone and address that the record holds: true ones of now or before, or something typed to fill a field."""
    free = frame["is_free"].to_numpy()
    home_email = Draws(seed, frame["person_n"].to_numpy() * 10).weighted("email", HOME_EMAIL)
    email = np.where(
        free,
        draws.weighted("email", kind.email),
        "main" if kind.slot == 0 else kind.email[-1][0] if len(kind.email) == 1 else "other",
    )
    email = np.where(email == "unused", np.where(home_email == "main", "other", "main"), email)
    # who is often taken for another takes care to give a number of her own
    careful = ~free | frame["kind"].is_in(LOOKALIKES).to_numpy()
    phone = draws.weighted("phone", kind.phone)
    phone = np.where(careful & (kind.phone[0][0] == "mobile"), "mobile", phone)
    place = np.where(free, draws.weighted("address", kind.address), "former" if kind.slot == 3 else "current")
    frame = frame.with_columns(holds_email=pl.Series(email), holds_phone=pl.Series(phone), holds_place=pl.Series(place))
    former = (pl.col("holds_place") == "former") & pl.col("former_street").is_not_null()
    none = pl.col("holds_place") == "none"
    landline = pl.when(pl.col("landline") != "").then("landline").otherwise("phone")
    frame = frame.with_columns(
        email=_held(
            "holds_email",
            {
                "main": pl.col("email"),
                "other": pl.col("other_email"),
                "noemail": pl.lit(NO_EMAIL),
                "test": pl.lit(TEST_EMAIL),
            },
        ),
        phone=_held(
            "holds_phone",
            {
                "mobile": pl.col("phone"),
                "landline": landline,
                "placeholder": pl.col("country").replace_strict(NO_PHONE),
            },
        ),
        mistakes=_told(former, "former_address"),
        **{
            name: pl.when(none)
            .then(pl.lit(""))
            .otherwise(pl.when(former).then(f"former_{name}").otherwise(name).cast(pl.String))
            for name in ("street", "house_number", "postal_code", "city")
        },
    )
    real = frame["holds_email"].is_in(("main", "other")).to_numpy() & draws.happens("email typo", EMAIL_TYPO_SHARE)
    frame = _slips(draws, frame, "email", real, "email_typo", lambda text, _, luck: mistakes.email_typo(text, luck))
    real = frame["holds_phone"].is_in(("mobile", "landline")).to_numpy() & draws.happens("phone typo", PHONE_TYPO_SHARE)
    return _slips(draws, frame, "phone", real, "phone_typo", lambda text, _, luck: mistakes.wrong_digit(text, luck))


def _as_written(draws: Draws, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Numbers, streets, mailboxes and birth dates the way that they are typed into this system."""
    styles = draws.weighted("phone style", STYLES[kind.is_typed_by_clerk])
    cells = zip(frame["phone"], frame["country"], styles, strict=True)
    phones = [mistakes.phone_as_written(phone, country, str(style)) if phone else "" for phone, country, style in cells]
    frame = frame.with_columns(phone=pl.Series(phones, dtype=pl.String))
    if not kind.has_names:
        frame = frame.with_columns(pl.lit("").alias(name) for name in ("street", "house_number", "postal_code"))
    short = draws.happens("abbreviated", ABBREVIATED_SHARE)
    frame = _slips(draws, frame, "street", short, "", mistakes.street_as_written)
    odd = draws.happens("odd email", ODD_EMAIL_SHARE) & np.array(kind.is_typed_by_clerk)
    frame = _slips(
        draws,
        frame,
        "email",
        odd,
        "",
        lambda text, _, luck: luck.pick((text.upper(), text.capitalize(), f"{text} ")) if text else text,
    )
    if not kind.has_birth_date:
        return frame.with_columns(birth_date=pl.lit(None, dtype=pl.Date))
    drawn = pl.Series(np.where(frame["is_free"].to_numpy(), draws.weighted("birth date", BIRTH_DATES), "right"))
    swapped = pl.Series([mistakes.day_for_month(day) for day in frame["birth_date"]], dtype=pl.Date)
    wrong = (drawn == "placeholder") | ((drawn == "swapped") & (swapped != frame["birth_date"]))
    return frame.with_columns(
        birth_date=pl.when(drawn == "right")
        .then("birth_date")
        .when(drawn == "swapped")
        .then(swapped)
        .when(drawn == "placeholder")
        .then(pl.lit(NO_BIRTHDAY)),
        mistakes=_told(wrong, "birth_date"),
    )


def _flag(draws: Draws, stream: str, share: float) -> pl.Series:
    return pl.Series(draws.happens(stream, share))


def _told(happened: pl.Expr | pl.Series, word: str) -> pl.Expr:
    return pl.when(happened).then(pl.col("mistakes") + f" {word}").otherwise("mistakes")


def _held(column: str, values: Mapping[str, pl.Expr]) -> pl.Expr:
    made: pl.Expr = pl.lit("")
    for value, expression in values.items():
        made = pl.when(pl.col(column) == value).then(expression).otherwise(made)
    return made


def _slips(
    draws: Draws, frame: pl.DataFrame, column: str, hit: Flags, word: str, slip: Callable[[str, str, Luck], str]
) -> pl.DataFrame:
    """Apply slip(text, country, luck) to some cells; `word` is noted where that changed the text. Planted rows are spared."""
    cells, countries, told = frame[column].to_list(), frame["country"].to_list(), frame["mistakes"].to_list()
    bits = draws.bits(f"{column} {word or 'as written'}")
    for at in np.flatnonzero(hit & frame["is_free"].to_numpy()):
        text = slip(cells[at], countries[at], Luck(int(bits[at])))
        if word and text != cells[at] and not told[at].endswith(word):
            told[at] += f" {word}"
        cells[at] = text
    return frame.with_columns(pl.Series(column, cells, dtype=pl.String), pl.Series("mistakes", told, dtype=pl.String))

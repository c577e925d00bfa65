"""Which facts two records are compared on, in which levels, and which pairs of records are looked at.

Belongs here: the shape of the identity model, chosen from the columns that hold data, as a Splink settings dictionary
without learned numbers. Does not belong here: learning (identity_model) and scoring (link).

Every fact counts once. Surname and address are one fact, the household: people who live together share both. What
stands under two first names that exclude each other (a mailbox, a landline, the birthday of twins) is a family's, and
says nothing about one person. A mailbox that only repeats the name says nothing that the name did not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

Level = dict[str, Any]
Comparison = dict[str, Any]

MIN_COMPARISONS = 2  # one fact alone cannot show when it errs
FILLED_SHARE = 0.02  # a column that fewer records fill is left out: nothing could be learned about it
SAME_VALUE_SHARE = 0.5  # so is one on which two records agree more often than this by chance
SIMILAR_NAME, SIMILAR_SURNAME, SIMILAR_STREET = 0.8, 0.9, 0.92  # Jaro-Winkler similarity, 0..1

# Pairs that share all columns of one of these are scored. A column in parentheses counts by its first letter.
BLOCKS = (
    ("email_std",),
    ("phone_std",),
    ("email_local",),
    ("birth_date", "(first_name_std)"),
    ("birth_date", "(last_name_std)"),
    ("first_name_std", "last_name_std"),
    ("last_name_std", "postal_code_std", "(first_name_std)"),
    ("last_name_std", "city_std", "(first_name_std)"),
    ("first_name_std", "postal_code_std"),
    ("street_std", "house_number", "(first_name_std)"),
)
# Agreement is learned among pairs that share one of these, about the facts that are not in it.
TRAINING_BLOCKS = (
    ("email_std",),
    ("phone_std",),
    ("birth_date",),
    ("first_name_std", "last_name_std"),
    ("last_name_std", "postal_code_std"),
)

# Conditions over the columns of a pair, each with the endings _l and _r.
NICKNAME = "list_has_any(first_name_roots_l, first_name_roots_r)"
INITIAL = (
    "((length(first_name_std_l) = 1 OR length(first_name_std_r) = 1)"
    " AND substr(first_name_std_l, 1, 1) = substr(first_name_std_r, 1, 1))"
)
# Either is enough: the other one may be missing or misspelt.
_SWAPPED = (
    "(coalesce(first_name_std_l = last_name_std_r, false) OR coalesce(last_name_std_l = first_name_std_r, false))"
)
_SAME_HOUSE = "coalesce(house_number_l = house_number_r, true)"
_TELLING = "(email_local_l IS NOT NULL OR email_local_r IS NOT NULL)"  # not twice the same name again


def filled_columns(standardised: pl.DataFrame) -> frozenset[str]:
    """The columns that hold enough different data to compare records by."""
    return frozenset(
        column
        for column in standardised.columns
        if column not in ("record_key", "first_name_roots")
        and standardised[column].count() >= max(2.0, FILLED_SHARE * standardised.height)
        and chance_agreement(standardised[column]) <= SAME_VALUE_SHARE
    )


def chance_agreement(values: pl.Series) -> float:
    """Share of pairs of filled rows that agree, 0..1: the sum of the squared shares of the values."""
    counts = values.drop_nulls().value_counts()["count"].cast(pl.Int64)
    return int(counts.pow(2).sum()) / max(int(counts.sum()) ** 2, 1)


def comparisons(standardised: pl.DataFrame, *, learning: bool) -> list[Comparison]:
    """The comparisons for these records. A pair is on the first level that it meets; each level has a usual m.

    m is the share of true pairs on a level; the last level, ELSE, is disagreement. While learning even a mailbox under
    two first names counts: a comparison is learned only among pairs that none of the columns it looks at brought
    together, and few pairs would be left.
    """
    filled = filled_columns(standardised)
    missing_or_shared = _missing if learning or "first_name_std" not in filled else _missing_or_shared
    made = (
        ("first_name_std", _first_name()),
        ("last_name_std", _household(filled, chance_agreement(standardised["last_name_std"]))),
        ("birth_date", _birth_date(missing_or_shared("birth_date"))),
        ("email_std", _email(missing_or_shared("email_std"))),
        ("phone_std", _phone(missing_or_shared("phone_std"))),
    )
    return [comparison for column, comparison in made if column in filled]


def rules(blocks: tuple[tuple[str, ...], ...], filled: frozenset[str]) -> list[str]:
    """Blocks as SQL join conditions over l and r, those that need a column that is not filled left out."""
    return [
        " AND ".join(_joined(column) for column in block)
        for block in blocks
        if {column.strip("()") for column in block} <= filled
    ]


def training_rules(compared: list[Comparison], filled: frozenset[str]) -> dict[str, list[int]]:
    """Training blocks as conditions, each with the places of the comparisons that can be learned in it.

    These look at none of its columns. A block that leaves fewer than MIN_COMPARISONS is left out.
    """
    looks_at = ["".join(level["sql_condition"] for level in made["comparison_levels"]) for made in compared]
    learned = {
        block: [
            at for at, conditions in enumerate(looks_at) if not any(f"{column}_l" in conditions for column in block)
        ]
        for block in TRAINING_BLOCKS
    }
    return {
        rule: places
        for block, places in learned.items()
        for rule in rules((block,), filled)
        if len(places) >= MIN_COMPARISONS
    }


def _joined(column: str) -> str:
    if column.startswith("("):
        return f"substr(l.{column[1:-1]}, 1, 1) = substr(r.{column[1:-1]}, 1, 1)"
    return f"l.{column} = r.{column}"


def _first_name() -> Comparison:
    return _comparison(
        "first_name",
        _missing("first_name_std"),
        _level("initial", INITIAL, 0.05),  # first: M. and M. agree on an initial only
        _level("same", same("first_name_std"), 0.75, tf_adjustment_column="first_name_std"),
        _level("nickname", NICKNAME, 0.08),
        _level("similar", _similar("first_name_std", SIMILAR_NAME), 0.06),
        _level("swapped with the surname", _SWAPPED, 0.02),
        _level("other", "ELSE", 0.04),
    )


def _household(filled: frozenset[str], same_surname: float) -> Comparison:
    """Surname and address in one, in as many levels as there are columns for a place.

    No pair reaches the last level of a same surname: it only tells Splink which agreement by chance (`same_surname`)
    the frequency of a surname replaces, on all levels above it.
    """
    towns = [column for column in ("postal_code_std", "city_std") if column in filled]
    places = ["street_std", *towns] if "street_std" in filled else towns
    one, alike = same("last_name_std"), _similar("last_name_std", SIMILAR_SURNAME)
    rare = {"tf_adjustment_column": "last_name_std"}
    if not places:
        return _comparison(
            "household",
            _missing("last_name_std"),
            _level("same surname", one, 0.85, **rare),
            _level("similar surname", alike, 0.08),
            _level("other", "ELSE", 0.07),
        )
    near = _any_of(f"coalesce({same(column)}, false)" for column in towns)
    home = (
        f"(coalesce({_similar('street_std', SIMILAR_STREET)} AND {_SAME_HOUSE}, false) AND {near if towns else 'true'})"
    )
    known = _any_of(f"NOT ({_missing(column)})" for column in places)
    never = {"u_probability": same_surname, "fix_u_probability": True, "fix_m_probability": True}
    levels = [
        _level("same surname, same address", f"{one} AND {home}", 0.45),  # a family shares even the rarest name
        _level("same surname, same town", f"{one} AND {near}", 0.15, **rare),
        _level("same surname, elsewhere", f"{one} AND {known}", 0.15, **rare),
        _level("same surname, place unknown", f"{one} AND NOT {known}", 0.1, **rare),
        _level("same surname", one, 0.001, **rare, **never),
        _level("similar surname, same address", f"{alike} AND {home}", 0.03),
        _level("same address", home, 0.03),
        _level("similar surname", alike, 0.05),
        _level("same town", near, 0.02),
        _level("other", "ELSE", 0.02),
    ]
    absent = [place for place, there in (("same address", "street_std" in filled), ("same town", towns)) if not there]
    return _comparison(
        "household",
        f"({_missing('last_name_std')} OR {_SWAPPED}) AND NOT {home} AND NOT {near}",
        *(level for level in levels if not level["label_for_charts"].endswith(tuple(absent))),
    )


def _any_of(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions) or 'false'})"


def _birth_date(missing: str) -> Comparison:
    swapped = (
        "year(birth_date_l) = year(birth_date_r) AND month(birth_date_l) = day(birth_date_r)"
        " AND day(birth_date_l) = month(birth_date_r)"
    )
    return _comparison(
        "birth_date",
        missing,
        _level("same", same("birth_date"), 0.92),
        _level("one slip, or day and month swapped", f"{_slip('birth_date')} OR ({swapped})", 0.06),
        _level("other", "ELSE", 0.02),
    )


def _email(missing: str) -> Comparison:
    return _comparison(
        "email",
        missing,
        _level("same", same("email_std"), 0.6),
        _level("one slip", f"{_slip('email_std')} AND {_TELLING}", 0.05),
        _level("same name at another domain", same("email_local"), 0.05),
        _level("other", "ELSE", 0.3),
    )


def _phone(missing: str) -> Comparison:
    return _comparison(
        "phone",
        missing,
        _level("same", same("phone_std"), 0.6),
        _level("one slip", _slip("phone_std"), 0.05),
        _level("other", "ELSE", 0.35),
    )


def _comparison(name: str, missing: str, *levels: Level) -> Comparison:
    null: Level = {"label_for_charts": "missing", "sql_condition": missing, "is_null_level": True}
    return {"output_column_name": name, "comparison_levels": [null, *levels]}


def _level(label: str, condition: str, usual_m: float, **more: Any) -> Level:
    return {"label_for_charts": label, "sql_condition": condition, "m_probability": usual_m, **more}


def same(column: str) -> str:
    """SQL over the columns of a pair (_l and _r): both agree; NULL where either is missing."""
    return f"{column}_l = {column}_r"


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _similar(column: str, least: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {least}"


def _missing_or_shared(column: str) -> str:
    """Condition of the null level: also where alike values stand under first names that exclude each other."""
    one_name = f"{same('first_name_std')} OR {NICKNAME} OR {INITIAL} OR {_SWAPPED}"
    one_name += f" OR {_similar('first_name_std', SIMILAR_NAME)}"
    alike = f"({_slip(column)} OR {same('email_local')})" if column == "email_std" else _slip(column)
    return f"{_missing(column)} OR (coalesce({alike}, false) AND NOT ({one_name}))"


def _slip(column: str) -> str:
    """At most one letter or digit wrong, missing, too many, or two swapped. Lengths come first: they cost less."""
    one, other = f"CAST({column}_l AS VARCHAR)", f"CAST({column}_r AS VARCHAR)"
    alike = f"damerau_levenshtein({one}, {other}) <= 1"
    return f"CASE WHEN abs(length({one}) - length({other})) <= 1 THEN {alike} ELSE false END"

"""Which facts two records are compared on, and in which levels.

Belongs here: the shape of the identity model, chosen from the columns that hold data, as Splink comparisons without
learned numbers. Does not belong here: which pairs are looked at (blocks), learning (identity_model), scoring (link).

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

# Each comparison, and the column without which there is none.
COLUMNS = {
    "first_name": "first_name_std",
    "middle_name": "middle_name_std",
    "household": "last_name_std",
    "birth_date": "birth_date",
    "birth_year": "birth_year",
    "national_id": "national_id_std",
    "email": "email_std",
    "phone": "phone_std",
    "birth_place": "birth_place_std",
    "occupation": "occupation_std",
    "gender": "gender_std",
}
MISSING = "missing"  # the level of pairs that say nothing about a fact
MIN_COMPARISONS = 2  # one fact alone cannot show when it errs
FILLED_SHARE = 0.02  # a column that fewer records fill is left out: nothing could be learned about it
SAME_VALUE_SHARE = 0.5  # so is one on which two records agree more often than this by chance,
MOSTLY_ONE = 0.9  # or this, where only a difference tells
SIMILAR_NAME, SIMILAR_SURNAME, SIMILAR_STREET = 0.8, 0.9, 0.92  # Jaro-Winkler similarity, 0..1

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
# Neighbours, or one slip.
ALIKE_TOWNS = {
    "postal_code_std": "(substr(postal_code_std_l, 1, 3) = substr(postal_code_std_r, 1, 3)"
    " OR damerau_levenshtein(postal_code_std_l, postal_code_std_r) <= 1)",
    "city_std": "jaro_winkler_similarity(city_std_l, city_std_r) >= 0.88",
}
_SAME_HOUSE = "coalesce(house_number_l = house_number_r, true)"
_TELLING = "(email_local_l IS NOT NULL OR email_local_r IS NOT NULL)"  # not twice the same name again


def filled_columns(standardised: pl.DataFrame) -> frozenset[str]:
    """The columns that hold enough different data to compare records by."""
    return frozenset(
        column
        for column in standardised.columns
        if column not in ("record_key", "first_name_roots")
        and standardised[column].count() >= max(2.0, FILLED_SHARE * standardised.height)
        and chance_agreement(standardised[column]) <= (MOSTLY_ONE if column == "gender_std" else SAME_VALUE_SHARE)
    )


def chance_agreement(values: pl.Series) -> float:
    """Share of pairs of filled rows that agree, 0..1: the sum of the squared shares of the values."""
    counts = values.drop_nulls().value_counts()["count"].cast(pl.Int64)
    return int(counts.pow(2).sum()) / max(int(counts.sum()) ** 2, 1)


def comparisons(standardised: pl.DataFrame, *, by_chance: bool) -> list[Comparison]:
    """The comparisons for these records. A pair is on the first level that it meets; each level has a usual m.

    m is the share of true pairs on a level; the last level, ELSE, is disagreement. `by_chance` are the comparisons of
    random pairs: there even a mailbox under two first names counts, since chance asks for no name. Left out, the rest
    would agree about the name as well, and the name would count twice.
    """
    filled = filled_columns(standardised)
    missing_or_shared = _missing if by_chance or "first_name_std" not in filled else _missing_or_shared
    made = (
        _first_name(),
        _middle_name(),
        _household(filled, chance_agreement(standardised["last_name_std"])),
        _birth_date(missing_or_shared("birth_date")),
        _birth_year(),
        _written("national_id", 0.9, _slip("national_id_std")),
        _email(missing_or_shared("email_std")),
        _phone(missing_or_shared("phone_std")),
        _written("birth_place", 0.8, _similar("birth_place_std", 0.9)),
        _written("occupation", 0.8, _similar("occupation_std", 0.9)),
        _gender(),
    )
    chosen = filled - {"birth_year"} if "birth_date" in filled else filled
    return [comparison for comparison in made if COLUMNS[comparison["output_column_name"]] in chosen]


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
    nearly = _any_of(f"coalesce({ALIKE_TOWNS[column]}, false)" for column in towns)
    home = (
        f"(coalesce({_similar('street_std', SIMILAR_STREET)} AND {_SAME_HOUSE}, false) AND {near if towns else 'true'})"
    )
    known = _any_of(f"NOT ({_missing(column)})" for column in places)
    never = {"u_probability": same_surname, "fix_u_probability": True, "fix_m_probability": True}
    levels = [
        _level("same surname, same address", f"{one} AND {home}", 0.45),  # a family shares even the rarest name
        _level("same surname, same town", f"{one} AND {near}", 0.15, **rare),
        _level("same surname, similar town", f"{one} AND {nearly}", 0.05, **rare),
        _level("same surname, elsewhere", f"{one} AND {known}", 0.1, **rare),
        _level("same surname, place unknown", f"{one} AND NOT {known}", 0.1, **rare),
        _level("same surname", one, 0.001, **rare, **never),
        _level("similar surname, same address", f"{alike} AND {home}", 0.03),
        _level("same address", home, 0.03),
        _level("similar surname, same town", f"{alike} AND {near}", 0.02),
        _level("similar surname", alike, 0.03),
        _level("same town", near, 0.015),
        _level("similar town", nearly, 0.005),
        _level("other", "ELSE", 0.02),
    ]
    absent = [
        place
        for place, there in (("same address", "street_std" in filled), ("same town", towns), ("similar town", towns))
        if not there
    ]
    return _comparison(
        "household",
        f"({_missing('last_name_std')} OR {_SWAPPED}) AND NOT {home} AND NOT {near}",
        *(level for level in levels if not level["label_for_charts"].endswith(tuple(absent))),
    )


def _any_of(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions) or 'false'})"


def _middle_name() -> Comparison:
    column = "middle_name_std"
    initial = (
        f"(length({column}_l) = 1 OR length({column}_r) = 1) AND substr({column}_l, 1, 1) = substr({column}_r, 1, 1)"
    )
    return _comparison(
        "middle_name",
        _missing(column),
        _level("initial", initial, 0.2),
        _level("same", same(column), 0.6, tf_adjustment_column=column),
        _level("similar", _similar(column, SIMILAR_NAME), 0.1),
        _level("other", "ELSE", 0.1),
    )


def _birth_date(missing: str) -> Comparison:
    swapped = (
        "year(birth_date_l) = year(birth_date_r) AND month(birth_date_l) = day(birth_date_r)"
        " AND day(birth_date_l) = month(birth_date_r)"
    )
    two_parts = (
        "(CAST(year(birth_date_l) = year(birth_date_r) AS INTEGER) + CAST(month(birth_date_l) = month(birth_date_r)"
        " AS INTEGER) + CAST(day(birth_date_l) = day(birth_date_r) AS INTEGER)) >= 2"
    )
    return _comparison(
        "birth_date",
        missing,
        _level("same", same("birth_date"), 0.92, tf_adjustment_column="birth_date"),
        _level("one slip, or day and month swapped", f"{_slip('birth_date')} OR ({swapped})", 0.04),
        _level("one part differs", two_parts, 0.02),
        _level("other", "ELSE", 0.02),
    )


def _birth_year() -> Comparison:
    return _comparison(
        "birth_year",
        _missing("birth_year"),
        _level("same", same("birth_year"), 0.9),
        _level("one year apart", "abs(birth_year_l - birth_year_r) <= 1", 0.05),
        _level("other", "ELSE", 0.05),
    )


def _gender() -> Comparison:
    return _comparison(
        "gender", _missing("gender_std"), _level("same", same("gender_std"), 0.97), _level("other", "ELSE", 0.03)
    )


def _written(name: str, usual_m: float, alike: str) -> Comparison:
    """A fact of one column, the same, misspelt or another."""
    column = COLUMNS[name]
    return _comparison(
        name,
        _missing(column),
        _level("same", same(column), usual_m, tf_adjustment_column=column),
        _level("similar", alike, (1 - usual_m) / 2),
        _level("other", "ELSE", (1 - usual_m) / 2),
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
    null: Level = {"label_for_charts": MISSING, "sql_condition": missing, "is_null_level": True}
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

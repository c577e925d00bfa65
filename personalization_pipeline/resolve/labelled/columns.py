"""Which column of a labelled file is which fact about a person: by what it is called, or as the caller says.

Belongs here: names of columns (columns.yaml lists what they are called elsewhere), ids, truth, and what is refused for
want of a column. Does not belong here: bytes (file) and what cells mean (values).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from personalization_pipeline.foundation.errors import LookAtTheData, MissingArgument
from personalization_pipeline.foundation.project import nearest
from personalization_pipeline.resolve.labelled import values
from personalization_pipeline.resolve.labelled.file import Texts

# What a contact has; facts that a file does not give are null. The others come along where a file gives them.
CONTACT = ("first_name", "last_name", "email", "phone", "birth_date", "street", "postal_code", "city", "country")
MORE = ("middle_name", "state", "gender", "birth_place", "occupation", "national_id", "birth_year")
# Facts of which two are needed: with one alone nothing shows when it errs. Parts of one date or line count once.
COMPARABLE = {"full_name": "name", "birth_year": "birth_date", "house_number": "street"}
NO_EVIDENCE = {"gender", "state", "country", "birth_month", "birth_day"}
MIN_COMPARABLE = 2


@dataclass(frozen=True)
class Labelled:
    """Labelled records: contacts (record_key, source, CONTACT, and of MORE what the file has), truth (record_key, true)
    of those whose truth is known, what they were read from, and what a reader should know.
    """

    contacts: pl.DataFrame
    truth: pl.DataFrame
    homes: pl.DataFrame | None  # record_key, home: the true household, where the caller names its column
    default_country: str | None
    used: dict[str, str]  # fact -> column of the file
    not_used: list[str]
    notes: list[str]


def label(
    texts: Texts, where: Path, *, id_: str, truth: str, source: str, mapped: Iterable[str], household: str = ""
) -> Labelled:
    """Records of the rows of a file. MissingArgument where a column is not there, LookAtTheData where ids repeat."""
    rows = _without_blanks(texts.rows)
    for option, name in (("--id", id_), ("--truth", truth)):
        _check_column(rows, option, name, where)
    for option, name in (("--source", source), ("--household", household)):
        if name:
            _check_column(rows, option, name, where)
    used = _by_name(rows.columns, taken={id_, truth, source, household}) | _as_told(mapped, rows.columns, where)
    used = {fact: column for fact, column in used.items() if column and rows[column].count()}
    source = source or used.get("source", "")
    used.pop("source", None)
    used = _one_name(used)
    _check_comparable(used, rows.columns, where)
    keys = _keys(rows, id_, source, where)
    notes = [f"read as {texts.how}"]
    if texts.ragged_count:
        notes.append(f"{texts.ragged_count:,} lines have too few or too many cells: left out")
    contacts, default_country = _contacts(rows, keys, source, used, notes)
    known = pl.DataFrame({"record_key": keys, "true": rows[truth]}).drop_nulls("true")
    if known.height < rows.height:
        notes.append(f"{rows.height - known.height:,} records of unknown truth: clustered, but not scored")
    homes = pl.DataFrame({"record_key": keys, "home": rows[household]}).drop_nulls("home") if household else None
    not_used = [column for column in rows.columns if column not in {id_, truth, source, household, *used.values()}]
    return Labelled(contacts, known, homes, default_country, used, not_used, notes)


def _without_blanks(rows: pl.DataFrame) -> pl.DataFrame:
    """What programs write for nothing becomes null, and a whole number that one wrote as 2134.0 is 2134 again."""
    return rows.with_columns(
        pl.when(~pl.all().is_in(_words()["missing"])).then(pl.all().str.replace(r"^(-?\d+)\.0$", "$1"))
    )


def _check_column(rows: pl.DataFrame, option: str, name: str, where: Path) -> None:
    if name in rows.columns:
        return
    if name:
        raise MissingArgument(
            f"{option} names the column {name!r}, which the file has not; it has {', '.join(rows.columns)}",
            fix=nearest(name, rows.columns),
            where=where,
        )
    facts = _by_name(rows.columns, set()).values()
    unique = [column for column in rows.columns if column not in facts and rows[column].n_unique() == rows.height]
    hints = {
        "--id": f"a record's own id; different in every row: {', '.join(unique) or 'no column'}",
        "--truth": "the column that is equal in all records of one person, and in no other's",
    }
    raise MissingArgument(
        f"{option} is missing; the file has the columns {', '.join(rows.columns)}",
        fix=f"{option} COLUMN: {hints[option]}",
        where=where,
    )


def _by_name(columns: list[str], taken: set[str]) -> dict[str, str]:
    """Fact -> column, for what the names tell."""
    facts = {**_words()["columns"], "source": _words()["source"]}
    free = [column for column in columns if column not in taken]
    used: dict[str, str] = {}
    for reading in (_plain, _joined, _bare):
        for fact, synonyms in facts.items():
            spelled = [reading(synonym) for synonym in synonyms]
            fitting = [column for column in free if column not in used.values() and reading(column) in spelled]
            if fitting and fact not in used:
                used[fact] = min(fitting, key=lambda column: (spelled.index(reading(column)), column))
    return {fact: used[fact] for fact in facts if fact in used}


def _plain(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _joined(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _bare(name: str) -> str:
    return "_".join(word for word in _plain(name).split("_") if word not in _words()["beside"]) or _plain(name)


def _as_told(mapped: Iterable[str], columns: list[str], where: Path) -> dict[str, str]:
    """fact=column,... as the caller wrote it; an empty column leaves the fact out."""
    told = {}
    for pair in (pair.strip() for text in mapped for pair in text.split(",") if pair.strip()):
        fact, equals, column = (part.strip() for part in pair.partition("="))
        if not equals:
            raise MissingArgument(f"--map has {pair!r}", fix="write fact=column, such as --map first_name=fname_c1")
        if fact not in _words()["columns"]:
            raise MissingArgument(f"--map knows no fact {fact!r}", fix=nearest(fact, _words()["columns"]))
        if column and column not in columns:
            raise MissingArgument(
                f"--map names the column {column!r}, which the file has not; it has {', '.join(columns)}",
                fix=nearest(column, columns),
                where=where,
            )
        told[fact] = column
    return told


def _one_name(used: Mapping[str, str]) -> dict[str, str]:
    """Full names are parted only where no part has a column: beside a surname, `name` is the first name."""
    names = dict(used)
    if "first_name" in names and "last_name" in names:
        names.pop("full_name", None)
    elif "full_name" in names and {"first_name", "last_name"} & names.keys():
        missing = "first_name" if "last_name" in names else "last_name"
        names[missing] = names.pop("full_name")
    # A whole date says more than its parts.
    parts = ("birth_year", "birth_month", "birth_day") if "birth_date" in names else ()
    return {fact: column for fact, column in names.items() if fact not in parts}


def _check_comparable(used: Mapping[str, str], columns: list[str], where: Path) -> None:
    facts = {COMPARABLE.get(fact, fact) for fact in used if fact not in NO_EVIDENCE}
    if len(facts) < MIN_COMPARABLE:
        known = f"only {', '.join(sorted(used))} can" if used else "none can"
        raise MissingArgument(
            f"of its columns ({', '.join(columns)}) {known} be compared as facts about a person; {MIN_COMPARABLE} are needed",
            fix="say which they are: --map first_name=COLUMN,last_name=COLUMN,... Known facts are "
            + ", ".join(_words()["columns"]),
            where=where,
        )


def _keys(rows: pl.DataFrame, id_: str, source: str, where: Path) -> pl.Series:
    blank = rows[id_].null_count()
    if blank:
        raise LookAtTheData(f"{blank:,} rows have no {id_}", fix="give every record an id", where=where)
    ids = rows.select(pl.concat_str(pl.col(source).fill_null(""), id_, separator=":") if source else id_)
    keys = ids.to_series().alias("record_key")
    if repeated := rows.height - keys.n_unique():
        apart = [
            column for column in rows.columns if column != id_ and not rows.select(id_, column).is_duplicated().any()
        ]
        raise LookAtTheData(
            f"{repeated:,} rows repeat the {id_} of another" + (f" of the same {source}" if source else ""),
            fix=f"--source COLUMN where ids are unique only within a source; with them is unique: {', '.join(apart) or 'none'}",
            where=where,
        )
    return keys


def _contacts(
    rows: pl.DataFrame, keys: pl.Series, source: str, used: Mapping[str, str], notes: list[str]
) -> tuple[pl.DataFrame, str | None]:
    """The contacts of the rows, and the country in which phone numbers without one are dialled."""
    blank = pl.Series([None] * rows.height, dtype=pl.String)
    sources = rows[source] if source else blank
    facts = {fact: rows[column] for fact, column in used.items()}
    if "full_name" in facts:
        titles = frozenset(_yaml(Path(__file__).parents[1] / "words.yaml")["titles"])
        facts |= values.name_parts(facts["full_name"], titles, frozenset(_words()["particles"])).to_dict()
    if "house_number" in facts:
        parts = facts["house_number"], facts.get("street", blank)
        line = pl.select(pl.concat_str(parts, separator=" ", ignore_nulls=True)).to_series()
        facts["street"] = line.replace("", None)
    if "birth_year" in facts:
        facts["birth_date"] = values.joined_dates(facts["birth_year"], facts.get("birth_month"), facts.get("birth_day"))
    if (written := facts.pop("birth_date", None)) is not None:
        facts["birth_date"], found = values.birth_dates(written, sources)
        years = values.birth_years(written, facts["birth_date"])
        facts |= {"birth_year": years} if years is not None else {}
        notes.append(_told(found, written, facts["birth_date"] if years is None else years))
    country = None
    if "phone" in facts:
        nowhere = facts["phone"].set(facts.get("country", blank).is_not_null(), None)
        country = values.phone_country(nowhere, _words()["phone_countries"])
        notes += [f"phone numbers that name no country are read as dialled in {country}"] if country else []
    contacts = {fact: facts.get(fact, blank) for fact in CONTACT} | {
        fact: facts[fact] for fact in MORE if fact in facts
    }
    contacts["birth_date"] = contacts["birth_date"].cast(pl.Date)
    return pl.DataFrame({"record_key": keys, "source": sources} | contacts), country


def _told(found: Mapping[str, list[str]], written: pl.Series, read: pl.Series) -> str:
    """What became of the birth dates, in words."""
    told = "; ".join(
        f"{source + ': ' if source else ''}{', '.join(formats) or 'years, if at all'}"
        for source, formats in sorted(found.items())
    )
    unread = 1 - read.count() / max(written.count(), 1)
    return f"birth dates read as {told}; {unread:.2%} of them cannot be read"


def _words() -> dict[str, Any]:
    return _yaml(Path(__file__).with_name("columns.yaml"))


@functools.cache
def _yaml(path: Path) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words

"""Columns of labelled files: known by their usual names or as told; whatever is missing is refused in plain words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.foundation.errors import LookAtTheData, MissingArgument, PipelineError
from personalization_pipeline.resolve.labelled.columns import Labelled, label
from personalization_pipeline.resolve.labelled.file import Texts

WHERE = Path("people.csv")


def labelled(
    columns: dict[str, list[str | None]], *mapped: str, id_: str = "id", truth: str = "person", source: str = ""
) -> Labelled:
    """A file with these columns; `id` and `person` are made where they are not given."""
    count = len(next(iter(columns.values())))
    made = {"id": [str(n) for n in range(count)], "person": [str(n // 2) for n in range(count)]}
    rows = pl.DataFrame(made | columns, schema_overrides=dict.fromkeys(columns, pl.String))
    return label(Texts(rows, 0, "CSV"), WHERE, id_=id_, truth=truth, source=source, mapped=mapped)


def refusal(call: Callable[[], object], kind: type[PipelineError]) -> PipelineError:
    with pytest.raises(kind) as refused:
        call()
    assert refused.value.exit_code == 2
    return refused.value


@pytest.mark.parametrize(
    ("columns", "used"),
    [
        (["given_name", "surname", "postcode"], ["first_name", "last_name", "postal_code"]),
        (["GivenName", "FamilyName", "ZIP"], ["first_name", "last_name", "postal_code"]),
        (["First Name", "Last Name", "E-Mail"], ["first_name", "last_name", "email"]),
        (["fname", "lname", "zipcode"], ["first_name", "last_name", "postal_code"]),
        (["customer_first_name", "customer_last_name", "home_phone"], ["first_name", "last_name", "phone"]),
        (
            ["fname_c1", "lname_c1", "by", "bm", "bd"],
            ["first_name", "last_name", "birth_year", "birth_month", "birth_day"],
        ),
        (["soc_sec_id", "suburb", "address_1", "street_number"], ["national_id", "city", "street", "house_number"]),
        (["forename", "dob", "telephone", "town"], ["first_name", "birth_date", "phone", "city"]),
    ],
)
def test_columns_are_known_by_their_usual_names(columns: list[str], used: list[str]) -> None:
    found = labelled({column: ["1", "2"] for column in columns})
    assert found.used == dict(zip(used, columns, strict=True))
    assert found.not_used == []


def test_of_two_columns_that_mean_the_same_one_is_used_and_the_others_are_reported() -> None:
    found = labelled({"phone": ["1", "2"], "mobile": ["3", "4"], "last_name": ["a", "b"], "shoe_size": ["40", "41"]})
    assert found.used == {"last_name": "last_name", "phone": "mobile"}
    assert found.not_used == ["phone", "shoe_size"]


def test_what_the_caller_says_beats_the_names_and_an_empty_column_leaves_a_fact_out() -> None:
    columns: dict[str, list[str | None]] = {"a": ["Ann", "Bob"], "b": ["Berg", "Holm"], "email": ["x", "y"]}
    found = labelled(columns, "first_name=a,last_name=b", "email=")
    assert found.used == {"first_name": "a", "last_name": "b"}
    assert found.contacts["email"].null_count() == 2
    assert found.contacts["first_name"].to_list() == ["Ann", "Bob"]


def test_id_truth_and_source_are_never_compared() -> None:
    found = labelled({"email": ["a@b.example"] * 2, "last_name": ["Berg"] * 2, "ssn": ["1", "2"]}, truth="ssn")
    assert "national_id" not in found.used


def test_an_address_in_parts_is_one_line_and_a_date_in_parts_one_date() -> None:
    columns: dict[str, list[str | None]] = {
        "street_number": ["5112", None],
        "street_name": ["145th st", None],
        "birth_year": ["1980", "1981"],
        "birth_month": ["3", "4"],
        "birth_day": ["7", None],
    }
    found = labelled(columns).contacts
    assert found["street"].to_list() == ["5112 145th st", None]
    assert found["birth_date"].to_list() == [date(1980, 3, 7), None]
    assert found["birth_year"].to_list() == ["1980", "1981"]


def test_one_column_of_full_names_is_parted_unless_a_part_has_its_own() -> None:
    alone = labelled({"name": ["Ann Berg", "Bob Holm"], "city": ["Bonn", "Rome"]})
    assert alone.contacts.select("first_name", "last_name").rows() == [("Ann", "Berg"), ("Bob", "Holm")]
    beside = labelled({"name": ["Ann", "Bob"], "surname": ["Berg", "Holm"]})
    assert beside.used == {"first_name": "name", "last_name": "surname"}
    whole = labelled({"full_name": ["A", "B"], "first_name": ["Ann", "Bob"], "surname": ["Berg", "Holm"]})
    assert whole.not_used == ["full_name"]


def test_what_programs_write_for_nothing_is_nothing_and_whole_numbers_have_no_fraction() -> None:
    found = labelled({"surname": ["nan", "Berg", "NULL"], "zip": ["2134.0", "02134", "\\N"]}).contacts
    assert found["last_name"].to_list() == [None, "Berg", None]
    assert found["postal_code"].to_list() == ["2134", "02134", None]


def test_ids_may_be_unique_within_a_source_only() -> None:
    columns: dict[str, list[str | None]] = {
        "id": ["1", "1"],
        "surname": ["a", "b"],
        "zip": ["1", "2"],
        "system": ["x", "y"],
    }
    told = refusal(lambda: labelled(columns), LookAtTheData)
    assert "1 rows repeat the id of another" in told.problem
    assert "--source COLUMN" in told.fix
    assert "system" in told.fix
    assert labelled(columns, source="system").contacts["record_key"].to_list() == ["x:1", "y:1"]


def test_a_column_named_source_is_the_source() -> None:
    found = labelled({"id": ["1", "1"], "surname": ["a", "b"], "zip": ["1", "2"], "source": ["x", "y"]})
    assert found.contacts.select("record_key", "source").rows() == [("x:1", "x"), ("y:1", "y")]


def test_records_of_unknown_truth_stay_among_the_contacts_but_are_not_scored() -> None:
    found = labelled({"surname": ["a", "b", "c"], "zip": ["1", "2", "3"], "person": ["p", None, "NA"]})
    assert found.contacts.height == 3
    assert found.truth.rows() == [("0", "p")]
    assert any("2 records of unknown truth" in note for note in found.notes)


def test_a_missing_option_is_told_with_the_columns_that_could_be_meant() -> None:
    columns: dict[str, list[str | None]] = {"surname": ["a", "a"], "zip": ["1", "1"]}
    told = refusal(lambda: labelled(columns, id_=""), MissingArgument)
    assert "--id is missing; the file has the columns id, person, surname, zip" in told.problem
    assert "different in every row: id" in told.fix
    assert told.where == "people.csv"
    assert "--truth is missing" in refusal(lambda: labelled(columns, truth=""), MissingArgument).problem


@pytest.mark.parametrize("option", ["id_", "truth", "source"])
def test_a_column_that_is_not_there_is_told_with_the_nearest_name(option: str) -> None:
    given = {"surname": ["a", "b"], "zip": ["1", "2"], "register": ["x", "y"]}
    told = refusal(lambda: labelled(given, **{option: "registr"}), MissingArgument)  # type: ignore[arg-type]
    assert f"--{option.strip('_')} names the column 'registr', which the file has not" in told.problem
    assert "did you mean register?" in told.fix


@pytest.mark.parametrize(
    ("mapped", "problem", "fix"),
    [
        ("surname", "--map has 'surname'", "write fact=column"),
        ("lastname=surname", "knows no fact 'lastname'", "did you mean last_name"),
        ("last_name=surnam", "names the column 'surnam', which the file has not", "did you mean surname?"),
    ],
)
def test_a_wrong_map_is_told_with_what_would_be_right(mapped: str, problem: str, fix: str) -> None:
    told = refusal(lambda: labelled({"surname": ["a", "b"], "zip": ["1", "2"]}, mapped), MissingArgument)
    assert problem in told.problem
    assert fix in told.fix


@pytest.mark.parametrize(
    "columns",
    [
        {"title": ["a", "b"], "artist": ["c", "d"]},
        {"name": ["a", "b"], "price": ["1", "2"]},
        {"surname": ["a", "b"], "gender": ["m", "f"], "country": ["DE", "FR"]},
        {"surname": ["a", "b"], "zip": [None, None]},
        {"birth_year": ["1980", "1981"], "birth_month": ["1", "2"]},
    ],
    ids=["no person", "a name only", "what many share", "a blank column", "parts of one date"],
)
def test_fewer_than_two_facts_that_can_be_compared_are_refused(columns: dict[str, list[str | None]]) -> None:
    told = refusal(lambda: labelled(columns), MissingArgument)
    assert "2 are needed" in told.problem
    assert next(iter(columns)) in told.problem
    assert "--map first_name=COLUMN" in told.fix


def test_records_without_an_id_are_refused() -> None:
    columns: dict[str, list[str | None]] = {"id": ["1", None], "surname": ["a", "b"], "zip": ["1", "2"]}
    assert "1 rows have no id" in refusal(lambda: labelled(columns), LookAtTheData).problem

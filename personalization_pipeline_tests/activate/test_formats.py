"""Destination formats as data: what is refused at load, and what a destination may choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from personalization_pipeline.activate.formats import FOLDER, format_for, format_names, load_format, read_format
from personalization_pipeline.foundation.declarations import Destination
from personalization_pipeline.foundation.errors import ProjectError

HERE = Path("destinations/here.yaml")


def destination(format: str, addresses: list[str], purposes: list[str], columns: dict[str, str]) -> Destination:
    consents = [{"purpose": purpose, "channel": "any"} for purpose in purposes]
    said = {"description": "", "format": format, "addresses": addresses, "consents": consents, "columns": columns}
    return Destination.model_validate(said)


def test_the_headers_of_customer_match_are_googles_words() -> None:
    google = load_format("google_customer_match")
    assert [c.header for c in google.columns] == ["Email", "Phone", "First Name", "Last Name", "Country", "Zip"]
    assert [c.header for c in google.columns if c.hash] == ["Email", "Phone", "First Name", "Last Name"]
    assert google.consents == ("ads_sharing", "ads_personalization")


def test_every_file_of_the_folder_is_a_format() -> None:
    assert format_names() == sorted(path.stem for path in FOLDER.iterdir())
    assert {load_format(name).name for name in format_names()} == set(format_names())


def test_an_unknown_format_is_told_with_its_file_and_the_nearest_name() -> None:
    with pytest.raises(ProjectError, match=r"here\.yaml: unknown format 'google_customer'\n.*google_customer_match"):
        format_for(destination("google_customer", ["email"], ["marketing"], {}), HERE)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("normaliser: google.email", "normaliser: google.mail", "google.email"),
        ("min_audience:", "min_audiense:", "min_audience"),
        ("hash: sha256_hex, blank: omit", "hash: md5, blank: omit", "hash"),
        (", blank: omit", ", blank: skip", "blank"),
        ("header: Phone", "header: Email", "appears twice"),
        ("  - [email]\n", "  - [person_id]\n", "identity"),
        ("ads_sharing,", "ads_sharin,", "consents"),
        ("columns:", "columns: {", "YAML"),
    ],
)
def test_a_wrong_format_file_is_told_with_its_name_and_the_word(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    text = (FOLDER / "google_customer_match.yaml").read_text()
    assert before in text
    (tmp_path / "mine.yaml").write_text(text.replace(before, after, 1))
    with pytest.raises(ProjectError, match=r"mine\.yaml") as refused:
        read_format(tmp_path / "mine.yaml")
    assert told in str(refused.value)


def test_the_version_is_the_hash_of_the_file(tmp_path: Path) -> None:
    text = (FOLDER / "generic_csv.yaml").read_bytes()
    (tmp_path / "generic_csv.yaml").write_bytes(text + b"# a word\n")
    assert read_format(tmp_path / "generic_csv.yaml").version != load_format("generic_csv").version


def test_a_destination_chooses_columns_in_its_order_and_under_its_names() -> None:
    columns = {"EMAIL": "email", "VORNAME": "first_name", "ID": "person_id"}
    chosen = format_for(destination("generic_csv", ["email"], ["marketing"], columns), HERE)
    assert {c.header: c.field for c in chosen.columns} == columns
    assert [c.header for c in chosen.columns] == list(columns)
    assert chosen.identity == chosen.dedupe == (("email",),)
    assert chosen.consents == ("marketing",)


def test_another_choice_of_columns_is_another_version() -> None:
    one = format_for(destination("generic_csv", ["email"], ["marketing"], {"A": "email"}), HERE)
    two = format_for(destination("generic_csv", ["email"], ["marketing"], {"B": "email"}), HERE)
    assert len({one.version, two.version, load_format("generic_csv").version}) == 3


def test_without_a_choice_a_plain_csv_holds_ids_only() -> None:
    plain = format_for(destination("generic_csv", ["email"], ["marketing"], {}), HERE)
    assert [c.field for c in plain.columns] == ["external_id", "person_id"]


def test_a_list_of_ids_goes_by_its_ids() -> None:
    ids = {"KEY": "external_id", "ID": "person_id"}
    chosen = format_for(destination("generic_csv", ["email", "phone"], ["marketing"], ids), HERE)
    assert chosen.identity == (("external_id",), ("person_id",))
    assert chosen.dedupe == (("external_id",),)


@pytest.mark.parametrize(
    ("format", "purposes", "columns", "told"),
    [
        ("google_customer_match", ["ads_sharing"], {}, "ads_personalization"),
        ("google_customer_match", ["ads_sharing", "ads_personalization"], {"E": "email"}, "fixed"),
        ("generic_csv", ["marketing"], {"E": "emial"}, "did you mean email"),
        ("generic_csv", ["marketing"], {"E": "email", "F": "email"}, "appears twice"),
        ("generic_csv", ["marketing"], {"NAME": "last_name"}, "no column holds an address"),
    ],
)
def test_a_destination_that_asks_for_what_cannot_be_is_told_with_its_file(
    format: str, purposes: list[str], columns: dict[str, str], told: str
) -> None:
    with pytest.raises(ProjectError, match=r"here\.yaml") as refused:
        format_for(destination(format, ["email"], purposes, columns), HERE)
    assert told in str(refused.value)


def test_further_purposes_of_a_destination_are_needed_too() -> None:
    purposes = ["ads_personalization", "profiling", "ads_sharing"]
    google = format_for(destination("google_customer_match", ["email"], purposes, {}), HERE)
    assert google.consents == ("ads_sharing", "ads_personalization", "profiling")

"""A project folder that is wrong is told by its file, what was wrong and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from personalization_pipeline.foundation.errors import PipelineError, ProjectError, TableError
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import find_project, load_project, nearest
from personalization_pipeline.starting import start_project

PROJECT, SEGMENT, AUDIENCE = "project.yaml", "segments/reachable.yaml", "audiences/newsletter.yaml"
SOURCE, DESTINATION = "sources/customers.yaml", "destinations/mail_tool.yaml"

Broken = Callable[[str, str, str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start_project(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def broken(folder: Path) -> Broken:
    """`broken(file, old, new)`: what loading says after one text in one file was replaced."""

    def told(file: str, old: str, new: str) -> str:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return refusal(folder, file)

    return told


def refusal(folder: Path, file: str) -> str:
    """What loading a project refuses, which must name the file and a remedy."""
    with pytest.raises(PipelineError) as refused:
        catalogue(load_project(folder))
    said = str(refused.value)
    assert said.startswith(f"{folder / file}: ")
    assert "\nFix: " in said
    return said.removeprefix(f"{folder / file}: ")


def test_the_project_that_init_writes_loads(folder: Path) -> None:
    project = load_project(folder)
    assert set(project.sources) == {"customers"}
    assert project.settings.name == "my_company"
    assert project.store == (folder / "store").resolve()


@pytest.mark.parametrize(
    ("file", "old", "new", "problem", "remedy"),
    [
        (PROJECT, "currency:", "curency:", "unknown key 'curency'", "did you mean currency?"),
        (PROJECT, "share:", "shar:", "unknown key 'holdout.shar'", "did you mean share"),
        (PROJECT, "sensitive: []", "loyalty: true", "unknown key 'loyalty'", "known are: artefacts, as_of"),
        (SOURCE, "maps: ", "mapps: ", "unknown key 'mapps'", "did you mean maps?"),
        (SOURCE, "type: csv", "tipe: csv", "unknown key 'format.tipe'", "did you mean type?"),
        (DESTINATION, "purpose:", "purpos:", "unknown key 'consents.0.purpos'", "did you mean purpose?"),
        (AUDIENCE, "kpi:", "kpis:", "unknown key 'kpis'", "did you mean kpi?"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known(
    broken: Broken, file: str, old: str, new: str, problem: str, remedy: str
) -> None:
    assert f"{problem}\nFix: {remedy}" in broken(file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (PROJECT, "name: my_company\n", "", "key 'name' is missing\nFix: add it; it needs name, holdout"),
        (PROJECT, "salt: ", "# ", "key 'holdout.salt' is missing\nFix: add it; it needs salt"),
        (SOURCE, "owner: team:crm\n", "", "key 'owner' is missing\nFix: add it; it needs description, owner"),
        (
            DESTINATION,
            ", channel: email",
            "",
            "key 'consents.0.channel' is missing\nFix: add it; it needs purpose, channel",
        ),
        (SEGMENT, "where:", "# where:", "key 'where' is missing"),
    ],
)
def test_a_missing_key_is_told(broken: Broken, file: str, old: str, new: str, problem: str) -> None:
    assert problem in broken(file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (PROJECT, "share: 0.05", "share: a few", "holdout.share: input should be a valid number"),
        (PROJECT, "share: 0.05", "share: 0.7", "holdout.share: input should be less than or equal to 0.5"),
        (PROJECT, "schedule_hour: 2", "schedule_hour: 24", "schedule_hour: input should be less than or equal to 23"),
        (PROJECT, "currency: EUR", "currency: EURO", "currency: string should have at most 3 characters"),
        (PROJECT, "name: my_company", "name: 7", "name: input should be a valid string"),
        (PROJECT, "sensitive: []", "sensitive: religion", "sensitive: input should be a valid list"),
        (SOURCE, "party: first", "party: fourth", "party: input should be 'zero', 'first', 'second' or 'third'"),
        (SOURCE, "id: required", "id: perhaps", "columns.id: input should be 'required' or 'optional'"),
        (SOURCE, "record_id: id", "record_id: [id]", "maps.contacts.record_id: input should be a valid string"),
        (
            SOURCE,
            "- record_id: id",
            "- record_id: {a: id}",
            "maps.consents.0.record_id: input should be a valid string",
        ),
        (DESTINATION, "[email]", "[]", "addresses: list should have at least 1 item"),
        (DESTINATION, "purpose: marketing", "purpose: fun", "consents.0.purpose: input should be 'marketing'"),
        (SEGMENT, "where: is_reachable_email", "where: [a, b]", "where: input should be a valid string"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_its_place(
    broken: Broken, file: str, old: str, new: str, problem: str
) -> None:
    assert problem in broken(file, old, new)


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("name: [my_company", "line 3: expected ',' or ']'"),
        ("\tname: my_company", "line 2: found character '\\t'"),
        ("name: a: b", "line 2: mapping values are not allowed here"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(broken: Broken, new: str, problem: str) -> None:
    assert problem in broken(PROJECT, "name: my_company", new)


@pytest.mark.parametrize("content", [b"", b"# nothing yet\n", b"- a\n- b\n", b"just words\n"])
def test_a_file_without_keys_is_told_what_it_needs(folder: Path, content: bytes) -> None:
    (folder / SEGMENT).write_bytes(content)
    assert "holds no keys\nFix: declare a segment: it needs description, where" in refusal(folder, SEGMENT)


def test_a_file_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / SEGMENT).write_bytes("description: Büro\nwhere: all\n".encode("latin-1"))
    assert "is not UTF-8 text\nFix: save the file as UTF-8" in refusal(folder, SEGMENT)


@pytest.mark.parametrize("zone", ["Europe/Berln", "Europe", '""', "/etc/localtime"])
def test_an_unknown_time_zone_is_told(broken: Broken, zone: str) -> None:
    assert "unknown time zone" in broken(PROJECT, "Europe/Berlin", zone)


def test_an_unknown_destination_is_told_with_the_nearest_known(broken: Broken) -> None:
    assert "unknown destination 'mail_tol'\nFix: did you mean mail_tool?" in broken(
        AUDIENCE, "[mail_tool]", "[mail_tol]"
    )


def test_an_unknown_brand_is_told_with_the_nearest_known(broken: Broken) -> None:
    said = broken(AUDIENCE, "destinations:", "brand: leaf\ndestinations:")
    assert "unknown brand 'leaf'\nFix: known are: none; project.yaml lists the brands" in said


def test_a_pinned_artefact_that_is_not_there_is_told(broken: Broken) -> None:
    said = broken(PROJECT, "sensitive: []", "artefacts: {identity: artefacts/identity.json}")
    assert "artefact 'identity' points at artefacts/identity.json, which is not there" in said


def test_a_feature_that_is_no_select_is_told(folder: Path) -> None:
    (folder / "features").mkdir()
    (folder / "features" / "shoes.sql").write_text("-- One row per person.\nSELECT 'x", encoding="utf-8")
    assert "never closed" in refusal(folder, "features/shoes.sql")


def test_a_feature_may_not_take_the_place_of_a_table_of_the_package(folder: Path) -> None:
    (folder / "features").mkdir()
    (folder / "features" / "people.sql").write_text("-- One row per person.\n-- feature\nSELECT 1", encoding="utf-8")
    with pytest.raises(TableError, match="people is a table of the package"):
        catalogue(load_project(folder))


def test_a_folder_without_project_yaml_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is no project: it has no project\.yaml\nFix: .*personalize init"):
        find_project(tmp_path)


def test_the_folder_given_wins_over_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONALIZATION_PROJECT", "nowhere")
    assert find_project(folder) == folder.resolve()
    monkeypatch.setenv("PERSONALIZATION_PROJECT", str(folder))
    assert find_project() == folder.resolve()


def test_a_loaded_project_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_project(folder).settings.currency = "USD"  # type: ignore[misc]


def test_the_hash_of_a_project_follows_its_text_and_nothing_else(folder: Path) -> None:
    before = load_project(folder).text_hash()
    (folder / "landing" / "customers" / "today.csv").write_text("id\n1\n", encoding="utf-8")
    (folder / "store").mkdir()
    (folder / "store" / "lock").touch()
    assert load_project(folder).text_hash() == before
    (folder / SEGMENT).write_text((folder / SEGMENT).read_text(encoding="utf-8") + "\n# why\n", encoding="utf-8")
    assert load_project(folder).text_hash() != before


def test_text_that_moves_from_one_file_to_another_changes_the_hash(folder: Path) -> None:
    (folder / "corrections" / "a.csv").write_bytes(b"xy")
    (folder / "corrections" / "b.csv").write_bytes(b"")
    before = load_project(folder).text_hash()
    (folder / "corrections" / "a.csv").write_bytes(b"x")
    (folder / "corrections" / "b.csv").write_bytes(b"y")
    assert load_project(folder).text_hash() != before


def test_the_nearest_names_are_suggested_and_all_of_them_where_none_is_near() -> None:
    assert nearest("ordr_count", ["order_count", "city"]) == "did you mean order_count?"
    assert nearest("xyz", ["b", "a"]) == "known are: a, b"
    assert nearest("xyz", []) == "known are: none"


def test_a_key_that_stands_twice_is_refused(broken: Broken) -> None:
    assert "the key 'where' stands twice" in broken(SEGMENT, "where: ", "where: 'true'\nwhere: ")


def test_a_declaration_with_the_other_ending_is_not_overlooked(folder: Path) -> None:
    (folder / "segments" / "more.yml").write_text("description: x\nwhere: 'true'\n", encoding="utf-8")
    assert "name it more.yaml" in refusal(folder, "segments/more.yml")


def test_a_feature_without_its_header_line_is_not_overlooked(folder: Path) -> None:
    (folder / "features").mkdir()
    (folder / "features" / "shoes.sql").write_text(
        "-- One row per person.\nSELECT person_id FROM people\n", encoding="utf-8"
    )
    assert "-- feature" in refusal(folder, "features/shoes.sql")

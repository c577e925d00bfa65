"""Adding a thing is adding one file: to a project with a committed night, seen in the tables and files of the next night.

Belongs here: what the tables under "How to add a thing" and "How do I add ...?" promise. A night takes seconds, so one
night sees all additions, each of which is checked alone first. Tables and formats are files of the package; there the
package's folder is copied, the file is added to the copy, and the copy is what is discovered.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline import PHASES
from personalization_pipeline.activate import formats
from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.checking import check_project
from personalization_pipeline.foundation.phases import Phase
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.tables import read_tables
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.questions import ask
from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import CUSTOMERS, build_night

SOURCE = """\
description: Receipts of the till, one line each
owner: team:stores
party: first
legal_basis: contract
files: till/*.csv
format: {type: csv, delimiter: ";"}
columns: {receipt: required, mail: optional, cents: required, at: required}
rows_are: order_lines
maps:
  order_lines:
    order_id: receipt
    line_id: "'1'"
    amount: CAST(cents AS DECIMAL(18, 2)) / 100
    occurred_at: utc(at, '%d.%m.%Y %H:%M', 'Europe/Berlin')
  orders: {order_id: receipt, record_id: mail, ordered_at: "utc(at, '%d.%m.%Y %H:%M', 'Europe/Berlin')"}
  contacts: {record_id: mail, email: mail}
"""
RECEIPTS = """\
receipt;mail;cents;at
R1;ann@mail.example;1250;05.01.2026 12:00
R2;ANN@mail.example;750;20.01.2026 12:00
R3;;100;21.01.2026 12:00
"""
FEATURE = """\
-- One row per person: how long her address is.
-- owner: team:x
-- feature
-- column mail_length: in letters
SELECT person_id, length(email) AS mail_length
FROM people
"""
SEGMENT = "description: Not at home\nwhere: country <> 'DE'\n"
AUDIENCE = """\
description: Everybody in Germany
use_case: u
goal: g
kpi: k
owner: team:x
where: country = 'DE'
destinations: [mail_tool]
use_holdout: false
"""
OFFER = """\
description: Postage is on us
owner: team:x
where: country <> 'GB'
priority: 1
valid_from: 2026-01-01
"""
DESTINATION = """\
description: Prints letters
format: generic_csv
addresses: [email]
consents: [{purpose: marketing, channel: email}]
columns: {name: last_name, mail: email, gift: offer}
"""
TABLE = """\
-- One row per country: how many people live there.
-- owner: team:analytics
-- column resident_count: people
-- check: sum(resident_count) >= 3
-- plot bar: country by sum(resident_count)
SELECT country, count(*) AS resident_count
FROM profiles
GROUP BY country
"""
FORMAT = """\
description: Hashed addresses for a partner who wants it so
columns:
  - {header: HASH, field: email, normaliser: generic.email, hash: sha256_hex, blank: forbid}
  - {header: NAME, field: first_name, normaliser: generic.first_name, blank: keep}
identity: [[email]]
dedupe: [[email]]
consents: []
min_audience: 1
delimiter: ";"
encoding: utf-8
line_end: crlf
formula_escape: false
"""
PARTNER = DESTINATION.replace("generic_csv", "hashed_list").partition("columns:")[0]
PACKAGE = {"analyze/tables/countries.sql": TABLE, "activate/formats/hashed_list.yaml": FORMAT}
PROJECT = {
    "sources/till.yaml": SOURCE,
    "features/mail_lengths.sql": FEATURE,
    "segments/abroad.yaml": SEGMENT,
    "audiences/in_germany.yaml": AUDIENCE,
    "offers/free_postage.yaml": OFFER,
    "destinations/printer.yaml": DESTINATION,
    "destinations/partner.yaml": PARTNER,  # of the new format
}


def add(folder: Path, place: str, text: str) -> None:
    """Put a new file somewhere; nothing that was there is touched."""
    assert not (folder / place).exists()
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter project with three customers, two of whom want the newsletter, and a first night."""
    folder = tmp_path_factory.mktemp("adding") / "shop"
    start_project(folder)
    add(folder, "landing/customers/all.csv", CUSTOMERS)
    code, said = build_night(folder, "2026-02-01")
    assert code == 0, said
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package's tables and formats, and beside them the new ones."""
    copy = tmp_path_factory.mktemp("package")
    for phase in PHASES:
        shutil.copytree(Phase(phase).folder, copy / phase / "tables")
    shutil.copytree(formats.FOLDER, copy / "activate" / "formats")
    for place, text in PACKAGE.items():
        add(copy, place, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phase, "folder", property(lambda phase: copy / phase.name / "tables"))
        patch.setattr(Phase, "tables", property(lambda phase: read_tables(phase.folder, phase.name)))
        patch.setattr(formats, "FOLDER", copy / "activate" / "formats")
        yield


@pytest.fixture(scope="module")
def next_night(shop: Path, package: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the shop with every addition, the night after, and what was said while it was built."""
    grown = Path(shutil.copytree(shop, tmp_path_factory.mktemp("grown") / "shop", symlinks=True))
    for place, text in PROJECT.items():
        add(grown, place, text)
    add(grown, "landing/till/january.csv", RECEIPTS)
    audience = grown / "audiences" / "newsletter.yaml"  # a destination is used where an audience names it
    names = "[printer, partner]\nuse_holdout: false"
    audience.write_text(audience.read_text(encoding="utf-8").replace("[mail_tool]", names), encoding="utf-8")
    code, said = build_night(grown, "2026-02-02")
    assert code == 0, said
    return grown, said


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = published_connection(folder / "store" / "current", private=True)
    try:
        return query(connection, sql)
    finally:
        connection.close()


def file_rows(folder: Path, destination: str, audience: str, delimiter: str = ",") -> list[list[str]]:
    """The rows of a file that was delivered on the second night, and whose certificate holds."""
    (file,) = (folder / "store" / "delivered" / destination).glob(f"20260202*/{audience}.csv")
    assert verify(file)
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened, delimiter=delimiter))


@pytest.mark.parametrize("place", PROJECT)
def test_the_one_file_alone_is_taken_up_by_check(shop: Path, package: None, tmp_path: Path, place: str) -> None:
    before = check_project(load_project(shop))
    copy = Path(shutil.copytree(shop, tmp_path / "shop", ignore=shutil.ignore_patterns("store", "landing")))
    add(copy, place, PROJECT[place])
    grown = check_project(load_project(copy))
    kind = {"features": "features of the project"}.get(place.split("/")[0], place.split("/")[0])
    assert {name for name in grown if grown[name] != before[name]} - {"tables"} == {kind}
    assert grown[kind] == before[kind] + 1


def test_a_source_is_one_file_and_its_rows_reach_the_people_that_were_known(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    assert rows(folder, "SELECT row_count, kept_count FROM files WHERE source = 'till'") == [(3, 3)]
    bought = "first_name, order_count, order_value_amount::VARCHAR, days_since_last_order"
    buyers = f"SELECT {bought} FROM profiles JOIN people USING (person_id) WHERE order_count > 0"
    assert rows(folder, buyers) == [("Ann", 2, "20.00", 13)]
    assert rows(folder, "SELECT order_key FROM orders WHERE person_id IS NULL") == [("till:R3",)]


def test_a_feature_is_one_file_and_a_column_that_rules_may_read(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    assert rows(folder, "SELECT mail_length FROM profiles ORDER BY 1") == [(16,), (16,), (17,)]
    assert ask(load_project(folder), "mail_length > 16").count == 1
    comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'profiles' AND column_name = 'mail_length'"
    assert rows(folder, comment) == [("in letters",)]


def test_a_segment_is_one_file_and_its_members_are_in_the_profiles(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    members = "SELECT first_name FROM segment_members JOIN people USING (person_id) WHERE segment = 'abroad' ORDER BY 1"
    assert rows(folder, members) == [("Bob",), ("Cleo",)]
    assert ask(load_project(folder), "in_segment('abroad') and in_segment('reachable')").count == 1


def test_an_audience_is_one_file_and_is_delivered_with_its_certificate(next_night: tuple[Path, str]) -> None:
    folder, said = next_night
    assert "in_germany to mail_tool: 1 -> 1" in said
    header, *sent = file_rows(folder, "mail_tool", "in_germany")
    assert header == ["email", "first_name", "person_id"]
    assert [row[:2] for row in sent] == [["ann@mail.example", "Ann"]]


def test_a_destination_is_one_file_that_an_audience_names(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    header, *sent = file_rows(folder, "printer", "newsletter")
    assert header == ["name", "mail", "gift"]
    assert [row[:2] for row in sent] == [["Berg", "ann@mail.example"], ["Holm", "bob@mail.example"]]


def test_an_offer_is_one_file_that_is_decided_for_each_person_and_delivered(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    decided = "SELECT first_name, offer FROM decisions JOIN people USING (person_id) ORDER BY 1"
    assert rows(folder, decided) == [("Ann", "free_postage"), ("Cleo", "free_postage")]
    _, *sent = file_rows(folder, "printer", "newsletter")
    assert {mail: gift for _, mail, gift in sent} == {"ann@mail.example": "free_postage", "bob@mail.example": ""}


def test_a_table_is_one_file_with_its_comment_plot_and_place_in_the_flow(next_night: tuple[Path, str]) -> None:
    folder, said = next_night
    assert rows(folder, "SELECT country, resident_count FROM countries ORDER BY 1") == [("DE", 1), ("FR", 1), ("GB", 1)]
    comment = "SELECT comment FROM duckdb_tables() WHERE table_name = 'countries'"
    assert rows(folder, comment) == [("One row per country: how many people live there.",)]
    assert said.index("profiles ") < said.index("countries ") < said.index("gate ")
    assert "resident_count" in (folder / "store" / "current" / "report.html").read_text(encoding="utf-8")


def test_a_destination_format_is_one_file(next_night: tuple[Path, str]) -> None:
    folder, _ = next_night
    header, *sent = file_rows(folder, "partner", "newsletter", ";")
    assert header == ["HASH", "NAME"]
    assert sorted(name for _, name in sent) == ["Ann", "Bob"]
    assert all(len(cell) == 64 for cell, _ in sent)

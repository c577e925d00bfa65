"""Nights under a project's own `identity`: what is told while the model was taught otherwise, and after it was taught.

Belongs here: whole nights of one small register, what a run says and what the report shows. Does not belong here: loading
the section (resolve/test_overrides), the cut (resolve/test_cut).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.demo.people import chunks, people
from personalization_pipeline.demo.records import records
from personalization_pipeline.demo.world import make_fact, making
from personalization_pipeline.foundation.exports import put_csv
from personalization_pipeline.foundation.warehouse import frame, published_connection, put_frame, query
from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import Night

SOURCE = """\
description: Every customer, with second records and mistakes
owner: team:crm
party: first
legal_basis: contract
files: register/*.csv
columns: {id: required, first_name: optional, last_name: optional, email: optional, phone: optional, birth_date: optional,
  postal_code: optional, city: optional, country: optional}
rows_are: contacts
maps:
  contacts: {record_id: id, first_name: first_name, last_name: last_name, email: email, phone: phone,
    birth_date: "day_of(birth_date, '%Y-%m-%d')", postal_code: postal_code, city: city, country: country}
"""
LEARN = "personalize run --train"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one register of 200 people of the demo world. No night yet."""
    folder = tmp_path_factory.mktemp("identity") / "shop"
    start_project(folder)
    (folder / "sources" / "customers.yaml").unlink()
    (folder / "sources" / "register.yaml").write_text(SOURCE, encoding="utf-8")
    with making(folder, seed=4) as world:
        ((first, count),) = chunks(200)
        put_frame(world, "people_drawn", people(4, first, count))
        make_fact(world, "people")
        put_frame(world, "records", records(4, frame(world, "SELECT * FROM people ORDER BY person_n")))
        columns = "record_id AS id, first_name, last_name, email, phone, birth_date, postal_code, city, country"
        put_csv(world, f"SELECT {columns} FROM records ORDER BY record_id", folder / "landing" / "register" / "all.csv")
    return folder


@pytest.fixture(scope="module")
def nights(shop: Path, night: Night) -> dict[str, str]:
    """What three nights said: ours, with a birth date that is switched off, and when that was learned."""
    said = {"ours": night(shop, "2026-02-01")[1]}
    with (shop / "project.yaml").open("a", encoding="utf-8") as file:
        file.write("identity:\n  comparisons:\n    birth_date: off\n")
    said["asked"] = night(shop, "2026-02-02")[1]
    said["taught"] = night(shop, "2026-02-03", train=True)[1]
    return said


def rows(shop: Path, sql: str, day: str) -> list[tuple[Any, ...]]:
    (folder,) = (shop / "store" / "nights").glob(f"{day.replace('-', '')}*")
    with contextlib.closing(published_connection(folder)) as connection:
        return query(connection, sql)


def comparisons(shop: Path, day: str) -> set[str]:
    return {name for (name,) in rows(shop, "SELECT DISTINCT comparison FROM identity_weights", day)}


def test_a_fact_that_is_switched_off_is_gone_when_the_model_was_learned_anew_and_not_before(
    shop: Path, nights: dict[str, str]
) -> None:
    assert "birth_date" in comparisons(shop, "2026-02-01")
    assert comparisons(shop, "2026-02-02") == comparisons(shop, "2026-02-01")
    assert comparisons(shop, "2026-02-03") == comparisons(shop, "2026-02-01") - {"birth_date"}


def test_a_night_whose_model_was_taught_otherwise_says_so_with_the_remedy(nights: dict[str, str]) -> None:
    told = "warning: who is one person: comparisons other than asked for, birth_date"
    assert told not in nights["ours"]
    assert told not in nights["taught"]
    lines = nights["asked"].splitlines()
    (line,) = (number for number, line in enumerate(lines) if line.startswith(told))
    assert LEARN in lines[line + 1]


def test_a_run_ends_with_the_share_of_links_that_is_expected_to_be_wrong(shop: Path, nights: dict[str, str]) -> None:
    sql = "SELECT tonight_value FROM identity_figures WHERE subject = 'by their weights'"
    ((share,),) = rows(shop, sql, "2026-02-01")
    assert 0 < share < 0.1
    assert f"of the links {share:.2%} are expected to be wrong" in nights["ours"].replace("│", "").replace("\n", "")


def test_a_model_that_a_night_has_learned_knows_what_its_records_were_like(shop: Path, nights: dict[str, str]) -> None:
    told = dict(rows(shop, "SELECT state, count(*) FROM identity_figures GROUP BY state", "2026-02-01"))
    assert "not kept by this artefact" not in told
    same = "SELECT figure FROM identity_figures WHERE compared IN ('change', 'times') AND tonight_value <> learned_value AND learned_value <> 0"
    assert rows(shop, same, "2026-02-01") == []
    shares = "SELECT count(*) FROM weight_bands WHERE abs(tonight_share - learned_share) > 0.000001"
    assert rows(shop, shares, "2026-02-01") == [(0,)]


def test_the_report_shows_figures_and_both_plots(shop: Path, nights: dict[str, str]) -> None:
    (folder,) = (shop / "store" / "nights").glob("20260202*")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "comparisons other than asked for" in page
    assert LEARN in page
    assert "identity_weights: agreement by max(weight) / 1000" in page
    assert "weight_bands: band by sum(pair_count)" in page
    assert "email: same" in page

"""What people say about who is one person, over real nights of the demo: shown before, followed, asked for, taken back.

Belongs here: the file, the command and the nights that follow. Does not belong here: what words do to clusters
(resolve/test_corrections), ids over given clusters (resolve/test_person_ids).
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from personalization_pipeline.blast_radius import BlastRadius, blast_radius
from personalization_pipeline.cli import app
from personalization_pipeline.foundation.corrections import LINKS
from personalization_pipeline.foundation.errors import MissingArgument, ProjectError
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.linking import FORGET, NEVER, SAME, change, write
from personalization_pipeline.pair_questions import why_pair
from personalization_pipeline_tests.conftest import Night

SECOND, THIRD = "2026-07-02T02:00:00Z", "2026-07-03T02:00:00Z"
# What has happened, and what was sent, stays: these remember. All else is as if nothing had ever been said.
HISTORY = {"person_history", "nights", "ledger", "ledger_rests", "files", "deliveries", "increments"}
HISTORY |= {"segment_changes", "audience_changes", "membership_counts", "models", "former_ids", "person_ids"}


@dataclass(frozen=True)
class Linked:
    """`project`: two people linked, one parted, a night, all taken back, a night; `plain`: nothing was ever said."""

    project: Path
    plain: Path
    pair: tuple[str, str]
    parted: tuple[str, str]
    predicted: BlastRadius
    linked: str


def rows(project: Path, sql: str, *values: Any, night: str = "current") -> list[tuple[Any, ...]]:
    place = project / "store" / ("current" if night == "current" else f"nights/{night}")
    with contextlib.closing(published_connection(place.resolve(), private=True)) as connection:
        return query(connection, sql, list(values))


def say(project: Path, one: str, other: str, verdict: str) -> BlastRadius:
    """Say it as the command does; what it was told it would do."""
    loaded = load_project(project)
    wanted = change(loaded, one, other, verdict, decided_by="Ann of the help desk", reason="she called")
    found = blast_radius(loaded, wanted.links)
    write(loaded, wanted)
    return found


def buyers(project: Path) -> list[str]:
    """A record of each of two people who buy and may be written to, with two records and more."""
    sql = """SELECT min(record_key) FROM records JOIN features USING (person_id)
        WHERE order_count > 1 AND is_reachable_email GROUP BY person_id HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT 3"""
    return [key for (key,) in rows(project, sql)]


@pytest.fixture(scope="module")
def linked(demo_night: Path, night: Night, tmp_path_factory: pytest.TempPathFactory) -> Linked:
    """Shared: read it, never change it."""
    folder = tmp_path_factory.mktemp("links")
    project, plain = (Path(shutil.copytree(demo_night, folder / name, symlinks=True)) for name in ("linked", "plain"))
    one, other, third = buyers(project)
    (far,) = rows(
        project,
        "SELECT max(record_key) FROM records WHERE person_id = (SELECT person_id FROM records WHERE record_key = ?)",
        third,
    )[0]
    say(project, third, far, NEVER)
    predicted = say(project, other, one, SAME)
    assert night(project, SECOND)[0] == 0
    say(project, one, other, FORGET)
    say(project, third, far, FORGET)
    for place in (project, plain):
        code, said = night(place, THIRD)
        assert code == 0, said
    return Linked(project, plain, (one, other), (third, far), predicted, "20260702T020000Z-r1")


@pytest.mark.slow
@pytest.mark.replay
def test_who_is_same_is_one_person_and_who_is_never_is_two(linked: Linked) -> None:
    (together,) = rows(
        linked.project,
        "SELECT count(DISTINCT person_id) FROM records WHERE record_key IN (?, ?)",
        *linked.pair,
        night=linked.linked,
    )
    (apart,) = rows(
        linked.project,
        "SELECT count(DISTINCT person_id) FROM records WHERE record_key IN (?, ?)",
        *linked.parted,
        night=linked.linked,
    )
    assert (together, apart) == ((1,), (2,))
    [(kind, evidence)] = rows(
        linked.project,
        "SELECT kind, evidence FROM edge_evidence WHERE kind IN ('same', 'never') AND record_key_l = ?",
        min(linked.pair),
        night=linked.linked,
    )
    told = json.loads(evidence)["people"]
    assert (kind, told["decided_by"], told["reason"]) == ("same", "Ann of the help desk", "she called")


@pytest.mark.slow
@pytest.mark.replay
def test_what_was_shown_before_is_what_the_next_night_makes_of_it(linked: Linked) -> None:
    """Who has which records, what they bought and granted; the day went on meanwhile, so no recency is compared.

    Who is new has another id then.
    """
    names = ("record_count", "order_count", "order_value_amount", "is_reachable_email", "is_reachable_sms")
    found = rows(
        linked.project,
        f"""SELECT record_count, order_count, CAST(order_value_amount AS VARCHAR), {", ".join(names[3:])} FROM features
        WHERE person_id IN (SELECT person_id FROM records WHERE record_key IN (?, ?, ?, ?)) ORDER BY ALL""",
        *linked.pair,
        *linked.parted,
        night=linked.linked,
    )
    before, after = linked.predicted.before, linked.predicted.after
    assert (len(before), len(after)) == (3, 3)
    assert sorted(tuple(person[name] for name in names) for person in after) == found
    assert sum(person["record_count"] for person in before) == sum(person["record_count"] for person in after)


@pytest.mark.slow
@pytest.mark.replay
def test_what_is_taken_back_leaves_nothing_but_history(linked: Linked) -> None:
    """People and their ids, records, holdout, consent, orders and audiences equal those of a company that never said it."""
    listing = (
        "SELECT database_name || '.main.' || table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY 1"
    )
    tables = [name for (name,) in rows(linked.plain, listing) if name.rpartition(".")[2] not in HISTORY]
    assert len(tables) > 30
    differing = [
        name
        for name in tables
        if rows(linked.project, f"FROM {name} ORDER BY ALL") != rows(linked.plain, f"FROM {name} ORDER BY ALL")
    ]
    assert differing == []
    for name in ("former_ids", "person_ids"):
        sql = f"SELECT * FROM {name} WHERE person_id IN (SELECT person_id FROM people) ORDER BY ALL"
        assert rows(linked.project, sql) == rows(linked.plain, sql)
    history = rows(
        linked.project,
        "SELECT change, count(*) FROM person_history WHERE changed_at > ? GROUP BY 1 ORDER BY 1",
        "2026-07-01 02:00:00",
    )
    assert dict(history).keys() == {"created", "merged", "restored", "split"}


@pytest.mark.slow
@pytest.mark.replay
def test_a_merge_of_people_adds_no_grant_to_an_address(linked: Linked) -> None:
    before, after = (
        rows(linked.project, "FROM consent_state ORDER BY ALL", night=name)
        for name in ("20260701T020000Z-r1", linked.linked)
    )
    assert before == after
    assert len(after) > 100


@pytest.mark.slow
@pytest.mark.replay
def test_a_pair_that_people_have_answered_leaves_the_review(linked: Linked) -> None:
    """Those who were one person until people said never have edges between them that would ask."""
    ids = "(SELECT person_id FROM records WHERE record_key = '{}')"
    one, other = (ids.format(key) for key in linked.parted)
    between = f"person_id_l IN ({one}, {other}) AND person_id_r IN ({one}, {other}) AND person_id_l <> person_id_r"
    tied = f"""SELECT count(*) FROM edges
        JOIN records AS a ON a.record_key = record_key_l JOIN records AS b ON b.record_key = record_key_r
        WHERE weight > 0 AND a.person_id IN ({one}, {other}) AND b.person_id IN ({one}, {other}) AND a.person_id <> b.person_id"""
    ((ties,),) = rows(linked.project, tied, night=linked.linked)
    assert ties > 0
    assert rows(linked.project, f"SELECT words FROM review_queue WHERE {between}", night=linked.linked) == []


@pytest.mark.slow
@pytest.mark.replay
def test_why_tells_a_word_and_how_to_take_it_back(linked: Linked, tmp_path: Path) -> None:
    project = Path(shutil.copytree(linked.project, tmp_path / "shop", symlinks=True))
    (project / "store" / "current").unlink()
    (project / "store" / "current").symlink_to(f"nights/{linked.linked}")
    together = why_pair(load_project(project), *linked.pair)
    assert together.is_one_person
    assert [tie.kind for tie in together.bridges] == ["same"]
    assert together.remedies[0] == f"personalize link {min(linked.pair)} {max(linked.pair)} --forget"
    ids = [
        rows(project, "SELECT person_id FROM records WHERE record_key = ?", key, night="20260701T020000Z-r1")[0][0]
        for key in linked.pair
    ]
    assert why_pair(load_project(project), *ids).path == together.path, "an old id means the records that it had"
    apart = why_pair(load_project(project), *linked.parted)
    assert not apart.is_one_person
    assert apart.reasons[0].startswith("people said never")
    assert f"personalize link {min(linked.parted)} {max(linked.parted)} --forget" in apart.remedies


@pytest.fixture
def personalize(demo_copy: Path) -> Callable[..., Result]:
    """Run the command on a copy of the demo."""

    def run(*words: str) -> Result:
        settings = {"COLUMNS": "400", "NO_COLOR": "1"}
        return CliRunner().invoke(app, [*words, "--project", str(demo_copy)], env=settings)

    return run


def test_link_shows_writes_once_and_takes_back(demo_copy: Path, personalize: Callable[..., Result]) -> None:
    one, other, _ = buyers(demo_copy)
    shown = personalize("link", one, other, "--same", "--by", "ann", "--json")
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (len(told["before"]), len(told["after"])) == (2, 1)
    assert not (demo_copy / LINKS).exists(), "nothing is written without --yes"
    refused = CliRunner().invoke(app, ["link", one, other, "--same", "--project", str(demo_copy)], input="n\n")
    assert refused.exit_code == 0
    assert not (demo_copy / LINKS).exists()
    assert "People now: 2" in personalize("link", one, other, "--same", "--by", "ann", "--yes").stdout
    text = (demo_copy / LINKS).read_text()
    assert text.splitlines()[1].startswith(f"{min(one, other)},{max(one, other)},same,ann,")
    assert "nothing to do" in personalize("link", other, one, "--same", "--yes").stdout
    assert (demo_copy / LINKS).read_text() == text
    contradiction = personalize("link", one, other, "--never", "--yes")
    assert contradiction.exit_code == 2
    assert "line 3 of this file: line 3 contradicts line 2" in contradiction.stderr
    (person,) = rows(demo_copy, "SELECT person_id FROM records WHERE record_key = ?", one)[0]
    assert personalize("link", person, other, "--forget", "--yes").exit_code == 0
    assert load_project(demo_copy).links == {}
    assert "nothing to do" in personalize("link", one, other, "--forget", "--yes").stdout


def test_link_refuses_what_leads_to_a_contradiction_over_others_and_names_all_lines(demo_copy: Path) -> None:
    one, other, third = buyers(demo_copy)
    say(demo_copy, one, other, SAME)
    say(demo_copy, other, third, SAME)
    with pytest.raises(MissingArgument, match="line 4 says never, and lines 2, 3 that they are the same"):
        change(load_project(demo_copy), one, third, NEVER, decided_by="ann")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["link", "a:1", "b:1", "--same"], "a:1: no record has this key tonight"),
        (["link", "p0123456789a", "b:1", "--same"], "nobody has, or had, this id"),
        (["link", "a:1", "b:1"], "a link says one thing"),
        (["link", "a:1", "b:1", "--same", "--never"], "a link says one thing"),
        (["why", "a:1", "b:1"], "a:1: no record has this key tonight"),
    ],
)
def test_a_pair_that_nobody_knows_is_refused(
    personalize: Callable[..., Result], words: list[str], problem: str
) -> None:
    answer = personalize(*words)
    assert answer.exit_code == 2
    assert problem in answer.stderr
    assert "\nFix: " in answer.stderr


def test_a_word_about_a_record_that_is_gone_is_told_every_night_and_never_dropped(starter: Path, night: Night) -> None:
    customers = "id,first_name,last_name,email,phone,country,newsletter,updated_at\n"
    customers += "1,Ann,Berg,ann@mail.example,,DE,yes,2026-01-01 10:00:00\n2,Bob,Holm,bob@mail.example,,GB,yes,2026-01-01 10:00:00\n"
    (starter / "landing" / "customers" / "1.csv").write_text(customers)
    header = "record_key_l,record_key_r,verdict,decided_by,decided_on,reason\n"
    (starter / LINKS).write_text(
        f"{header}customers:1,customers:2,same,ann,2026-01-02,\ncustomers:1,customers:9,same,ann,2026-01-02,\n"
    )
    code, said = night(starter, "2026-02-01")
    assert code == 0, said
    assert "corrections" in said
    assert rows(starter, "SELECT record_key_r, is_followed FROM corrections ORDER BY 1") == [
        ("customers:2", True),
        ("customers:9", False),
    ]
    assert rows(starter, "SELECT count(*) FROM people") == [(1,)]
    checked = CliRunner().invoke(app, ["check", "--project", str(starter)], env={"COLUMNS": "400"})
    assert "1 of 2 corrections names a record that the last night does not have" in checked.output


def test_a_file_that_contradicts_itself_stops_the_night(starter: Path, night: Night) -> None:
    (starter / LINKS).write_text("record_key_l,record_key_r,verdict,decided_by,decided_on,reason\na:1,b:1,same\n")
    with pytest.raises(ProjectError, match="line 2 has 3 cells"):
        night(starter, "2026-02-01")

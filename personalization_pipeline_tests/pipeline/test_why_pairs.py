"""`personalize why A B` over the demo's planted people: one person through what, or two for which reason.

Belongs here: the answer over a built night. Does not belong here: what people have said (test_links), who should be one
person (test_planted_people).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import Connection, published_connection, query
from personalization_pipeline.pair_questions import PairAnswer, Tie, _path, why_pair
from personalization_pipeline.resolve.components import CUT
from personalization_pipeline_tests.pipeline.beside_truth import about, case


def asked(project: Path, one: str, other: str) -> PairAnswer:
    return why_pair(load_project(project), one, other)


def fields(tie: Tie) -> int:
    """What the evidence of a tie adds up to."""
    return sum(value if isinstance(value, int) else value["millibits"] for value in tie.evidence.values())


@pytest.fixture(scope="module")
def planted(world: Connection) -> dict[str, list[str]]:
    """Records of planted people by case; read before the command asks the same files."""
    names = ("kelley_alone", "married_and_moved", "transliterated")
    found = {name: about(world, name, "record") for name in names}
    sisters = (
        "SELECT min(record_key) FROM players WHERE case_name = 'kelley_sisters' GROUP BY true_person_id ORDER BY 1"
    )
    found["kelley_sisters"] = [key for (key,) in query(world, sisters)]
    return found


@case("kelley_alone")
def test_one_person_is_told_by_the_chain_between_her_records(demo_copy: Path, planted: dict[str, list[str]]) -> None:
    crm, shop = planted["kelley_alone"]
    answer = asked(demo_copy, shop, crm)
    assert answer.is_one_person
    assert {answer.path[0].record_key_l, answer.path[0].record_key_r} & {shop}
    assert answer.weakest == min(answer.path, key=lambda tie: tie.weight)
    assert all(tie.weight >= CUT and fields(tie) == tie.weight for tie in answer.path)
    assert answer.remedies == [f"personalize link {shop} {crm} --never"]


@case("kelley_sisters")
def test_two_people_are_told_by_their_closest_records_and_the_reason(
    demo_copy: Path, planted: dict[str, list[str]]
) -> None:
    one, other = planted["kelley_sisters"]
    answer = asked(demo_copy, one, other)
    assert not answer.is_one_person
    assert answer.best is not None
    assert answer.asked is not None
    assert fields(answer.asked) == answer.asked.weight, "also of a pair that no block brings together"
    assert answer.mean is not None
    assert answer.mean < CUT
    assert answer.reasons
    assert answer.remedies == [f"personalize link {one} {other} --same"]


def test_each_pair_of_people_whose_closest_records_reach_the_cut_is_apart_by_all_they_say_together(
    demo_copy: Path,
) -> None:
    with contextlib.closing(published_connection(demo_copy / "store" / "current", private=True)) as connection:
        near = query(
            connection,
            "SELECT record_key_l, record_key_r, weight FROM review_queue WHERE question = 'apart' "
            "QUALIFY row_number() OVER (ORDER BY weight) <= 2 OR row_number() OVER (ORDER BY weight DESC) <= 3 ORDER BY ALL",
        )
    assert {weight >= CUT for *_, weight in near} == {True, False}, "some reach it, some do not"
    for one, other, weight in near:
        answer = asked(demo_copy, one, other)
        assert answer.best is not None
        assert answer.best.weight >= weight
        told = "all their records together do not" if answer.best.weight >= CUT else "no pair of their records reaches"
        assert told in answer.reasons[0]


def test_the_answer_takes_less_than_two_seconds_and_is_the_same_as_data(
    demo_copy: Path, planted: dict[str, list[str]]
) -> None:
    one, other = planted["kelley_sisters"]
    asked(demo_copy, one, other)  # the libraries are loaded once
    since = time.monotonic()
    answer = CliRunner().invoke(app, ["why", one, other, "--json", "--project", str(demo_copy)])
    assert time.monotonic() - since < 2
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["is_one_person"] is False
    assert told["asked"]["evidence"]["prior"] < 0
    words = CliRunner().invoke(app, ["why", one, other, "--project", str(demo_copy)], env={"COLUMNS": "400"}).stdout
    assert f"{one} and {other} are two people" in words
    assert "The closest pair of their records:" in words


def test_a_source_that_holds_each_person_once_is_told_as_a_reason(
    demo_copy: Path, planted: dict[str, list[str]]
) -> None:
    with contextlib.closing(published_connection(demo_copy / "store" / "current", private=True)) as connection:
        one, other = (
            key
            for (key,) in query(
                connection,
                "SELECT min(record_key) FROM records WHERE record_key LIKE 'salesforce_contacts:%' GROUP BY person_id ORDER BY 1 LIMIT 2",
            )
        )
    source = demo_copy / "sources" / "salesforce_contacts.yaml"
    source.write_text(source.read_text(encoding="utf-8") + "one_record_per_person: true\n", encoding="utf-8")
    assert (
        "both have a record of salesforce_contacts, which holds each person once"
        in asked(demo_copy, one, other).reasons
    )


def test_an_id_and_one_of_its_own_records_are_asked_as_the_record_and_the_rest(demo_copy: Path) -> None:
    with contextlib.closing(published_connection(demo_copy / "store" / "current", private=True)) as connection:
        [(person, key)] = query(
            connection,
            "SELECT person_id, min(record_key) FROM records GROUP BY person_id HAVING count(*) > 2 ORDER BY 1 LIMIT 1",
        )
    answer = asked(demo_copy, person, key)
    assert answer.is_one_person
    assert key not in answer.one.meant
    with pytest.raises(MissingArgument, match="both mean the same records"):
        asked(demo_copy, person, person)


def test_a_pair_has_no_segment(demo_copy: Path) -> None:
    refused = CliRunner().invoke(app, ["why", "a:1", "b:1", "--segment", "regulars", "--project", str(demo_copy)])
    assert refused.exit_code == 2
    assert "is about one person" in refused.stderr


def test_without_its_identity_model_a_night_cannot_weigh(demo_copy: Path, planted: dict[str, list[str]]) -> None:
    shutil.rmtree(demo_copy / "store" / "artefacts")
    words = ["why", *planted["kelley_sisters"], "--project", str(demo_copy)]
    assert "the identity artefact" in CliRunner().invoke(app, words).stderr


def test_the_strongest_chain_is_that_whose_weakest_link_is_the_strongest_and_of_those_the_shortest() -> None:
    ties = {
        (one, other): Tie(one, other, "splink", weight)
        for one, other, weight in [
            ("a", "d", 4),
            ("a", "b", 9),
            ("b", "c", 6),
            ("c", "d", 8),
            ("b", "d", 5),
            ("a", "c", 6),
        ]
    }
    assert [tie.pair for tie in _path(ties, {"a"}, {"d"})] == [("a", "c"), ("c", "d")]
    assert _path(ties, {"a"}, {"e"}) == []

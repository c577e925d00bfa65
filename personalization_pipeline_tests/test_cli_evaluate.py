"""`personalize evaluate`: the demo against its truth, and anybody's labelled records."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from personalization_pipeline_tests.resolve.test_labelled_evaluation import people
from personalization_pipeline_tests.test_cli import personalize, refused


def test_a_project_without_truth_cannot_be_evaluated(starter: Path) -> None:
    assert "has no truth" in refused("evaluate", "demo", project=starter)


def test_evaluate_puts_the_pipeline_beside_plain_rules_and_the_truth(demo_night: Path) -> None:
    measures = json.loads(personalize("evaluate", "demo", "--json", project=demo_night).stdout)
    assert measures.keys() == {"identity", "churn", "consent", "cycles", "preference", "uplift", "world"}
    (recall,) = (figure for figure in measures["identity"]["figures"] if figure["name"] == "pair recall")
    assert 0 < recall["plain"] < recall["pipeline"] <= 1
    table = personalize("evaluate", "demo", project=demo_night).stdout
    assert f"{recall['pipeline']:.4f}" in table
    assert all(measure["plain"][:20] in table for measure in measures.values())


def test_evaluate_identity_prints_a_table_or_json_and_says_on_stderr_what_it_does(tmp_path: Path) -> None:
    pl.DataFrame(people()).write_csv(tmp_path / "people.csv")
    words = ("evaluate", "identity", tmp_path / "people.csv", "--id", "id", "--truth", "person")
    result = personalize(*words, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["score"]["record_count"] == 200
    assert "train ..." in result.stderr
    table = personalize(*words).stdout
    assert f"{told['score']['pair_f1']:.4f}" in table
    assert "used: full_name = name, email = email" in table
    assert "not used: none" in table


def test_evaluate_identity_refuses_with_the_file_its_columns_and_a_remedy(tmp_path: Path) -> None:
    pl.DataFrame(people(5)).write_csv(tmp_path / "people.csv")
    file = tmp_path / "people.csv"
    told = refused("evaluate", "identity", file)
    assert f"{file}: --id is missing; the file has the columns dob, email, id" in told
    assert "did you mean person?" in refused("evaluate", "identity", file, "--id", "id", "--truth", "persn")
    assert "no such file" in refused("evaluate", "identity", tmp_path / "none.csv", "--id", "id", "--truth", "person")
    blank = ("--map", "full_name=,email=,zip=")
    assert "no fact 'zip'" in refused("evaluate", "identity", file, "--id", "id", "--truth", "person", *blank)

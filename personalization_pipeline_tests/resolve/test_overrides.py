"""Section `identity` of project.yaml: what it may say, and what becomes of it when the model is learned.

Belongs here: loading, refusing, learning. Does not belong here: what a cut does to nights (test_cut), and that a night
tells when its artefact was taught otherwise (pipeline/test_identity_settings).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.checking import check_project
from personalization_pipeline.foundation.errors import PipelineError
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.resolve.comparisons import COLUMNS, comparisons
from personalization_pipeline.resolve.components import CUT, cut_of
from personalization_pipeline.resolve.identity_model import train
from personalization_pipeline.resolve.link import evidence_of, score_pairs
from personalization_pipeline.resolve.overrides import overridden, overrides
from personalization_pipeline.resolve.steps import STANDARDISED
from personalization_pipeline_tests.resolve.conftest import Learned

LEVELS = """
    birth_date:
      levels:
        - {label: same, sql: birth_date_l = birth_date_r}
        - {label: same year, sql: year(birth_date_l) = year(birth_date_r)}
        - {label: other, sql: else}
"""


def with_identity(folder: Path, section: str) -> Path:
    with (folder / "project.yaml").open("a", encoding="utf-8") as file:
        file.write(f"identity:\n{section}\n")
    return folder


def refusal(folder: Path, section: str) -> str:
    """What check says, after the name of the file."""
    with pytest.raises(PipelineError) as refused:
        check_project(load_project(with_identity(folder, section)))
    said = str(refused.value)
    assert said.startswith(f"{folder / 'project.yaml'}: ")
    assert "\nFix: " in said
    return said


def levels(*conditions: str) -> str:
    lines = [f'        - {{label: level {place}, sql: "{sql}"}}' for place, sql in enumerate(conditions)]
    return "\n".join(["  comparisons:", "    phone:", "      levels:", *lines])


def compared(artefact: dict[str, Any]) -> list[str]:
    return [comparison["output_column_name"] for comparison in artefact["settings"]["comparisons"]]


def test_without_the_section_everything_is_ours(starter: Path) -> None:
    project = load_project(starter)
    assert cut_of(project) == CUT
    assert overrides(project, STANDARDISED) == {}


def test_a_bare_off_means_off_although_yaml_reads_it_as_false(starter: Path) -> None:
    project = load_project(with_identity(starter, "  comparisons: {birth_date: off, phone: 'off'}"))
    assert overrides(project, STANDARDISED) == {"birth_date": [], "phone": []}
    assert check_project(project)["tables"] > 0


def test_the_example_that_a_new_project_comes_with_is_good(starter: Path) -> None:
    file = starter / "project.yaml"
    before, _, example = file.read_text(encoding="utf-8").partition("# identity:")
    file.write_text(before + "identity:" + example.replace("\n# ", "\n"), encoding="utf-8")
    project = load_project(starter)
    assert cut_of(project) == 3_000
    assert overrides(project, STANDARDISED) == {"birth_date": []}


def test_a_misspelt_comparison_is_told_with_the_nearest_names(starter: Path) -> None:
    said = refusal(starter, "  comparisons: {birth_dat: off}")
    assert "unknown comparison 'birth_dat'\nFix: did you mean birth_date or first_name?" in said


def test_a_fact_that_no_source_of_a_night_has_is_no_comparison_of_a_project(starter: Path) -> None:
    said = refusal(starter, "  comparisons: {occupation: off}")
    assert "Fix: known are: birth_date, email, first_name, household, phone" in said


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("  cutt: 5", "unknown key 'identity.cutt'\nFix: did you mean cut?"),
        ("  cut: high", "identity.cut: input should be a valid integer"),
        ("  cut: -6000", "identity.cut: -6000 is less than any pair that is looked at weighs\nFix: write thousandths"),
        ("  comparisons: {phone: }", "write `off`, or `levels:` with a label and an sql each"),
        ("  comparisons: {phone: on}", "write `off`, or `levels:` with a label and an sql each"),
        ("  comparisons: {phone: {level: []}}", "unknown key 'identity.comparisons.phone.level'\nFix: did you mean levels?"),
        (levels("phone_std_l = phone_std_r", "true"), "its last level, and no other, is what is left\nFix: end the list"),
        (levels("else", "else"), "its last level, and no other, is what is left"),
        (levels("phone_sdt_l = phone_std_r", "else"), "reads 'phone_sdt_l', which no pair of records has\nFix: did you mean phone_std_l"),
        (levels("phone_std = phone_std_r", "else"), "reads 'phone_std', which no pair of records has"),
        (levels("record_key_l = record_key_r", "else"), "reads 'record_key_l', which no pair of records has"),
        (levels("read_text('/etc/passwd') = phone_std_l", "else"), "read_text(): reads what is not a table"),
        (levels("getenv('HOME') = phone_std_l", "else"), "getenv(): reads what is not a table"),
        (levels("sha256(phone_std_l) = now()", "else"), "now(): reads the clock"),
        (levels("phone_std_l IN (SELECT 1)", "else"), "uses 'subquery'"),
        (levels("phone_std_l = phone_std_r; DROP TABLE x", "else"), "cannot read the expression"),
        (levels("count(phone_std_l) > 1", "else"), "uses 'count'"),
        (levels("list_aggregate(phone_std_l) = 1", "else"), "uses 'list_aggregate'"),
        (levels("year(phone_std_l) = 1", "else"), "identity.comparisons.phone: Binder Error"),
        (
            "  comparisons: {phone: {levels: [{label: a, sql: 'true'}, {label: a, sql: else}]}}",
            "the label 'a' is taken",
        ),
    ],
)  # fmt: skip
def test_what_a_section_may_not_say_is_told_with_file_and_remedy(starter: Path, section: str, problem: str) -> None:
    assert problem in refusal(starter, section)


def test_a_fact_that_is_switched_off_is_not_learned_and_weighs_nothing(learned: Learned) -> None:
    artefact = train(learned.standardised, seed=1, own={"birth_date": []})
    assert "birth_date" in compared(learned.artefact)
    assert compared(artefact) == [name for name in compared(learned.artefact) if name != "birth_date"]
    assert artefact["overrides"] == {"birth_date": []}
    assert learned.artefact["overrides"] == {}
    edges = score_pairs(learned.standardised, None, artefact)
    assert edges.height
    told = [evidence_of(artefact, *row) for row in edges["levels", "facts"].iter_rows()]
    assert not any("birth_date" in evidence for evidence in told)


def test_own_levels_take_the_place_of_ours_and_are_learned_like_ours(starter: Path, learned: Learned) -> None:
    own = overrides(load_project(with_identity(starter, f"  comparisons:{LEVELS}")), STANDARDISED)
    artefact = train(learned.standardised, seed=1, own=own)
    (found,) = (c for c in artefact["settings"]["comparisons"] if c["output_column_name"] == "birth_date")
    missing, same, year, other = found["comparison_levels"]
    assert [level["label_for_charts"] for level in (missing, same, year, other)] == [
        "missing",
        "same",
        "same year",
        "other",
    ]
    (ours,) = (c for c in learned.artefact["settings"]["comparisons"] if c["output_column_name"] == "birth_date")
    by_label = {level["label_for_charts"]: level for level in ours["comparison_levels"]}
    assert missing == by_label["missing"]
    assert same["m_probability"] == pytest.approx(by_label["same"]["m_probability"], abs=0.03)
    assert same["u_probability"] == pytest.approx(by_label["same"]["u_probability"], rel=0.5)
    # Of strangers one in some decades of birth years has the same one.
    assert 0.005 < year["u_probability"] < 0.05
    assert other["u_probability"] > 0.9
    edges = score_pairs(learned.standardised, None, artefact)
    told = [evidence_of(artefact, *row)["birth_date"]["level"] for row in edges["levels", "facts"].iter_rows()]
    assert "same year" in told


def test_every_comparison_that_is_made_is_known_by_its_column(learned: Learned) -> None:
    made = comparisons(learned.standardised, by_chance=False)
    assert {comparison["output_column_name"] for comparison in made} <= set(COLUMNS)
    assert overridden(made, {}) == made


def test_facts_that_leave_too_little_to_learn_from_leave_exact_keys_alone(learned: Learned) -> None:
    off: dict[str, list[dict[str, str]]] = {name: [] for name in ("first_name", "household", "birth_date", "email")}
    artefact = train(learned.standardised, seed=1, own=off)
    assert (artefact["kind"], artefact["overrides"]) == ("exact-keys-only", off)

"""The command `personalize`: what each word of it teaches, answers and refuses, and with which exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.questions import current_night

NIGHT = "2026-02-01"
HEADER = "id,first_name,email,country,newsletter,updated_at\n"
ANN = "1,Ann,ann@mail.example,DE,yes,2026-01-01 10:00:00\n"
BOB = "2,Bob,bob@mail.example,GB,no,2026-01-01 10:00:00\n"
COMMANDS = ["init", "check", "run", "rollback", "home", "plan", "ask", "why", "verify"]
COMMANDS += ["evaluate", "evaluate demo", "evaluate identity"]


def personalize(*words: str | Path, project: Path | None = None) -> Result:
    """Run the command in this process, without colours and line breaks."""
    where = [] if project is None else ["--project", str(project)]
    return CliRunner().invoke(app, [*map(str, words), *where], env={"COLUMNS": "400", "NO_COLOR": "1"})


def refused(*words: str | Path, project: Path | None = None, code: int = 2) -> str:
    """What a refusal says: on stderr, with a remedy, without a traceback."""
    result = personalize(*words, project=project)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "\nFix: " in result.stderr
    assert "Traceback" not in result.output
    return result.stderr


def written(project: Path, place: str, old: str, new: str) -> Path:
    text = (project / place).read_text(encoding="utf-8")
    assert old in text
    (project / place).write_text(text.replace(old, new), encoding="utf-8")
    return project / place


def profiles(project: Path, sql: str) -> list[tuple[object, ...]]:
    connection = published_connection(current_night(load_project(project)))
    try:
        return query(connection, sql)
    finally:
        connection.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does_and_what_each_word_of_it_means(command: str) -> None:
    result = personalize(*command.split(), "--help")
    assert result.exit_code == 0
    found = typer.main.get_command(app)
    for name in command.split():
        found = found.commands[name]  # type: ignore[attr-defined]
    assert found.help
    assert len(found.help.split()) >= 7
    assert found.help.split("\n")[0][:60] in " ".join(result.output.split())
    for parameter in found.params:
        assert len(getattr(parameter, "help", None) or "") >= 10 or parameter.name == "help", parameter.name
        assert max(parameter.opts, key=len).lower() in result.output.lower()


def test_help_lists_every_command_and_this_module_knows_them_all() -> None:
    result = personalize("--help")
    group = typer.main.get_command(app)
    assert set(group.commands) == {command.split()[0] for command in COMMANDS}  # type: ignore[attr-defined]
    assert all(command.split()[0] in result.output for command in COMMANDS)


def test_init_writes_a_project_that_checks_clean_and_says_what_comes_next(tmp_path: Path) -> None:
    made = personalize("init", tmp_path / "shop")
    assert made.exit_code == 0
    assert f"personalize check --project {tmp_path / 'shop'}" in made.output
    checked = personalize("check", project=tmp_path / "shop")
    assert checked.exit_code == 0
    assert "1 segments" in checked.output
    assert "all good" in checked.output


def test_init_never_writes_over_anything(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "is not empty" in refused("init", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_init_demo_writes_the_world_of_its_seed(tmp_path: Path) -> None:
    for name, seed in (("one", "3"), ("same", "3"), ("other", "4")):
        assert personalize("init", tmp_path / name, "--demo", "--people", "50", "--seed", seed).exit_code == 0
    truth = {name: (tmp_path / name / "truth" / "records.csv").read_bytes() for name in ("one", "same", "other")}
    assert truth["one"] == truth["same"] != truth["other"]


def test_a_folder_that_is_no_project_is_told(tmp_path: Path) -> None:
    assert "is no project" in refused("check", project=tmp_path)


@pytest.mark.parametrize("kind", ["segments/reachable.yaml", "audiences/newsletter.yaml"])
@pytest.mark.parametrize(
    ("rule", "problem", "remedy"),
    [
        ("order_cuont > 3", "unknown column 'order_cuont'", "did you mean order_count"),
        ("country = 3", "'country = 3' compares or casts what does not fit", "TRY_CAST"),
        ("country > 3", "country is VARCHAR", "TRY_CAST"),
        ("(select count(*) from read_csv('/etc/passwd')) > 0", "a rule may not use", "a rule sees one row per person"),
        ("true; drop table profiles", "near 'drop'", "write one SQL condition"),
        ("getenv('HOME') = 'x'", "a rule may not use getenv()", "a rule sees one row per person"),
        (
            "order_count > 3 -- only\n  and is_reachable_email",
            "an SQL comment (--) hides",
            "with # on a line of its own",
        ),
    ],
)
def test_check_names_the_file_of_a_bad_rule_the_word_and_what_would_be_right(
    starter: Path, kind: str, rule: str, problem: str, remedy: str
) -> None:
    file = starter / kind
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("where:")]
    file.write_text("\n".join([*lines, f"where: >-\n  {rule}\n"]), encoding="utf-8")
    said = refused("check", project=starter)
    assert said.startswith(f"{file}: ")
    assert problem in said.split("\nFix: ")[0]
    assert remedy in said.split("\nFix: ")[1]


def test_two_dashes_inside_a_text_are_no_comment(starter: Path) -> None:
    written(starter, "segments/reachable.yaml", "where: is_reachable_email", "where: country = '--'")
    assert personalize("check", project=starter).exit_code == 0


@pytest.mark.parametrize("words", [["ask", "all"], ["why", "p0123456789a"], ["ask", "all", "--json"]])
def test_before_the_first_night_there_is_nothing_to_ask(starter: Path, words: list[str]) -> None:
    assert "there is no night yet\nFix: build one: personalize run" in refused(*words, project=starter)


def test_home_is_a_folder_of_the_store_made_where_it_is_not_there(starter: Path) -> None:
    result = personalize("home", project=starter)
    assert result.exit_code == 0
    assert Path(result.stdout.strip()) == (starter / "store" / "dagster").resolve()
    assert "telemetry: {enabled: false}" in (starter / "store" / "dagster" / "dagster.yaml").read_text()


def test_a_run_tells_by_its_exit_code_whether_a_night_was_committed_and_anything_refused(starter: Path) -> None:
    written(
        starter, "audiences/newsletter.yaml", "kpi:", "use_holdout: false\nkpi:"
    )  # the salt differs from run to run
    said = refused("run", "--as-of", NIGHT, project=starter)
    assert f"{starter.resolve() / 'landing'}: no file of any source lies there" in said
    assert "customers/*.csv" in said
    landed = starter / "landing" / "customers"
    (landed / "monday.csv").write_text(HEADER + ANN + BOB, encoding="utf-8")
    good = personalize("run", "--as-of", NIGHT, project=starter)
    assert good.exit_code == 0, good.output
    assert "2 records are 2 people" in good.stdout
    assert "newsletter to mail_tool: 1 -> 1" in good.stdout
    file = next(line for line in good.stdout.splitlines() if line.startswith("audience files")).split()[-1]
    assert (Path(file) / "mail_tool" / "newsletter.csv").is_file()
    again = personalize("run", "--as-of", NIGHT, project=starter)
    assert again.exit_code == 0
    assert "nothing that it is made of has changed" in again.stdout
    (landed / "tuesday.csv").write_text(HEADER + ",Eve,eve@mail.example,DE,yes,2026-01-02 10:00:00\n", encoding="utf-8")
    partly = personalize("run", "--as-of", "2026-02-02", project=starter)
    assert partly.exit_code == 3
    assert "customers/tuesday.csv: 1 of 1 rows were refused (record_key missing: 1)\nFix: " in partly.stderr
    assert "eve@" not in partly.output
    assert "lies before the current night" in refused("run", "--as-of", NIGHT, project=starter)


def test_ask_counts_people_their_reach_and_what_each_part_costs(demo_night: Path) -> None:
    rule = "order_count >= 2 and days_since_last_order > 90"
    answer = json.loads(personalize("ask", rule, "--json", project=demo_night).stdout)
    people = profiles(demo_night, "SELECT order_count, days_since_last_order, is_reachable_email FROM profiles")
    often = [row for row in people if row[0] >= 2]  # type: ignore[operator]
    meant = [row for row in often if row[1] > 90]  # type: ignore[operator]
    assert (answer["count"], answer["total"]) == (len(meant), len(people))
    assert answer["reach"]["is_reachable_email"] == sum(bool(row[2]) for row in meant)
    assert [part[:2] for part in answer["funnel"]] == [
        ["order_count >= 2", len(often)],
        ["days_since_last_order > 90", len(meant)],
    ]
    assert answer["funnel"][1][3] == sum(row[1] is None for row in people) > 0, "whoever never bought is unknown"
    table = personalize("ask", rule, project=demo_night)
    assert f"{len(meant)} of {len(people)} people" in table.stdout


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("order_cuont > 3", "the rule: unknown column 'order_cuont'\nFix: did you mean order_count"),
        ("in_segment('regular')", "unknown segment 'regular'\nFix: did you mean regulars"),
        ("read_csv('/etc/passwd') is not null", "a rule may not use read_csv()"),
        ("true; drop table profiles", "near 'drop'"),
        ("drop table profiles", "near 'drop'"),
        ("country = 3", "'country = 3' compares or casts what does not fit (ConversionException; country is VARCHAR)"),
        ("case when order_count >= 0 then cast(country as integer) = 3 end", "compares or casts what does not fit"),
    ],
)
def test_ask_refuses_what_is_no_rule_about_people_and_never_quotes_one_of_them(
    demo_night: Path, rule: str, problem: str
) -> None:
    said = refused("ask", rule, project=demo_night)
    assert problem in said
    countries = [str(country) for (country,) in profiles(demo_night, "SELECT DISTINCT country FROM profiles")]
    assert len(countries) >= 3
    assert not any(f"'{country}'" in said for country in countries)


def test_why_gives_each_part_of_a_rule_as_true_false_or_unknown_with_its_values(demo_night: Path) -> None:
    sql = "SELECT arg_min(person_id, person_id) FROM profiles WHERE {}"
    never, lately, away = (
        str(profiles(demo_night, sql.format(rule))[0][0])
        for rule in (
            "order_count = 0",
            "order_count >= 2 AND days_since_last_order <= 90",
            "order_count = 1 AND days_since_last_order > 90",
        )
    )
    verdicts = {}
    for person in (never, lately, away):
        answer = personalize("why", person, "--audience", "win_back", "--json", project=demo_night)
        (reason,) = json.loads(answer.stdout)
        assert (reason["name"], reason["is_member"], reason["outcomes"]) == ("audience win_back", False, {})
        verdicts[person] = [(part["verdict"], part["values"]) for part in reason["parts"]]
    facts = profiles(demo_night, "SELECT person_id, order_count, days_since_last_order FROM profiles")
    counts = {person: count for person, count, _ in facts}
    days = {person: since for person, _, since in facts}
    assert verdicts == {
        never: [("false", {"order_count": 0}), ("unknown", {"days_since_last_order": None})],
        lately: [("true", {"order_count": counts[lately]}), ("false", {"days_since_last_order": days[lately]})],
        away: [("false", {"order_count": 1}), ("true", {"days_since_last_order": days[away]})],
    }
    told = personalize("why", never, project=demo_night)
    assert "not in audience win_back" in told.stdout
    assert "unknown days_since_last_order > 90   days_since_last_order = None" in told.stdout
    assert "not in segment regulars" in told.stdout


def test_why_says_for_whom_the_rule_is_true_what_became_of_her_at_each_destination(demo_night: Path) -> None:
    falls = profiles(demo_night, "SELECT person_id, destination, outcome FROM audience_waterfall ORDER BY ALL")
    delivered = str(next(person for person, _, outcome in falls if outcome == "delivered"))
    told = personalize("why", delivered, "--audience", "win_back", project=demo_night).stdout
    assert told.startswith("in audience win_back  ")
    assert all(f"{to}: {outcome}" in told for person, to, outcome in falls if person == delivered)


def test_why_prints_a_rule_as_it_is_whatever_brackets_it_has(demo_copy: Path) -> None:
    written(demo_copy, "segments/regulars.yaml", "where: order_count", "where: country <> '[/]' and order_count")
    person = str(profiles(demo_copy, "SELECT min(person_id) FROM profiles")[0][0])
    assert "country <> '[/]'" in personalize("why", person, "--segment", "regulars", project=demo_copy).stdout


def test_why_knows_nobody_by_a_wrong_id_and_no_segment_by_a_wrong_name(demo_night: Path) -> None:
    said = refused("why", "ann@mail.example", project=demo_night)
    assert said.startswith("nobody has this id tonight")
    assert "ann@" not in said
    person = str(profiles(demo_night, "SELECT min(person_id) FROM profiles")[0][0])
    said = refused("why", person, "--segment", "regular", project=demo_night)
    assert "there is no segment 'regular'\nFix: did you mean regulars?" in said


def test_verify_tells_what_holds_and_refuses_a_file_that_was_touched(demo_night: Path, tmp_path: Path) -> None:
    file = demo_night / "store" / "current" / "files" / "newsletter" / "win_back.csv"
    good = personalize("verify", file)
    assert good.exit_code == 0
    assert good.stdout.count("ok ") == len(good.stdout.splitlines()) >= 4
    shutil.copytree(file.parent, tmp_path / "got")
    with (tmp_path / "got" / "win_back.csv").open("a") as copy:
        copy.write("more\n")
    assert "win_back.csv" in refused("verify", tmp_path / "got" / "win_back.csv")
    assert "there is no such file" in refused("verify", tmp_path / "nothing.csv")

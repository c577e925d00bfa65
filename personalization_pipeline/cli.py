"""The command `personalize`: thin. It reads arguments, calls one function, prints what came back.

Belongs here: arguments, colours, exit codes. Does not belong here: any decision about data, what all commands share
(talking), and the commands of `evaluate` (cli_evaluate).
Exit codes: 0 done; 3 committed, but something was refused; 2 not committed, or the question could not be answered.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from personalization_pipeline.cli_evaluate import evaluate_app
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.talking import JsonOption, ProjectOption, err, out, progress, told

app = typer.Typer(
    help="A customer data platform that is a DAG: from landed files to audience files that carry their own proof of consent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(evaluate_app, name="evaluate")


@app.command()
@told
def init(
    folder: Annotated[Path, typer.Argument(help="Where the new project goes")],
    demo: Annotated[bool, typer.Option("--demo", help="Fill it with the seeded demo shop")] = False,
    people: Annotated[int, typer.Option(min=50, help="How many true people the demo has")] = 1300,
    nights: Annotated[int, typer.Option(min=1, max=31, help="For how many nights the demo has files")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, another world")] = 7,
) -> None:
    """Write a new project folder: its settings, a first source, a segment, an audience, and keys to sign with."""
    from personalization_pipeline.starting import start_demo, start_project

    if demo:
        start_demo(folder, people=people, nights=nights, seed=seed, progress=progress(time.monotonic()))
    else:
        start_project(folder)
    out.print(
        f"[green]wrote[/] {folder}\nNext: personalize check --project {folder}, then personalize run --project {folder}"
    )


@app.command()
@told
def check(project: ProjectOption = None) -> None:
    """Try everything without data: every file loads, every SELECT binds, every rule reads columns that exist."""
    from personalization_pipeline.checking import check_project, notes

    loaded = load_project(project)
    for kind, count in check_project(loaded).items():
        out.print(f"{count:>5} {kind}")
    for note in notes(loaded):
        err.print(note, style="yellow", markup=False)
    out.print("[green]all good[/]")


@app.command()
@told
def run(
    project: ProjectOption = None,
    as_of: Annotated[
        str, typer.Option("--as-of", help="The moment the night is about: 2026-11-20 or 2026-11-20T02:00:00Z")
    ] = "",
    train: Annotated[bool, typer.Option("--train", help="Train the models anew")] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Build every scheduled night since the current one, the oldest first")
    ] = False,
    replay: Annotated[
        str,
        typer.Option(metavar="NIGHT", help="Build an earlier night again and compare: its name, its day or `current`"),
    ] = "",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of a replay")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what a replay has built")] = False,
) -> None:
    """Build one night: ingest, resolve, segment, analyze, activate, publish. The same job that Dagster schedules.

    With --replay: exit code 0 where every table and file is equal, 1 where one differs, 2 where an input is gone.
    """
    from personalization_pipeline import running

    loaded = load_project(project)
    if replay:
        if as_of or train or catch_up:
            raise MissingArgument(
                "a replay has the moment and the models that its night had", fix="leave --as-of, --train and --catch-up"
            )
        raise typer.Exit(running.replay_night(loaded, replay, threads=threads, keep=keep, out=out, err=err))
    if threads or keep:
        raise MissingArgument("--threads and --keep are about a replay", fix="name its night: --replay NIGHT")
    if catch_up:
        if train:
            raise MissingArgument("missed nights use the models that there are", fix="leave --train")
        raise typer.Exit(running.catch_up(loaded, as_of, out=out, err=err))
    raise typer.Exit(running.run_night(loaded, as_of, train=train, out=out, err=err))


@app.command()
@told
def rollback(
    night: Annotated[
        str, typer.Argument(help="A night by its name or day; without it, the one before the current one")
    ] = "",
    project: ProjectOption = None,
) -> None:
    """Make another whole night the current one. What was sent stays sent: receipts are facts."""
    from personalization_pipeline.rolling_back import roll_back

    for line in roll_back(load_project(project), night):
        out.print(line, markup=False)


@app.command()
@told
def home(project: ProjectOption = None) -> None:
    """Print the project's DAGSTER_HOME (made where it is not there), for `dagster dev` and services."""
    from personalization_pipeline.running import dagster_home

    print(dagster_home(load_project(project)))


@app.command()
@told
def ask(
    rule: Annotated[
        str, typer.Argument(help='A rule over profiles, e.g. "days_since_last_order > 90 and order_count >= 3"')
    ],
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many people does a rule mean, on which channels may they be reached, and which part of it costs how many."""
    from personalization_pipeline import question_words as words
    from personalization_pipeline.questions import ask as answer_to

    answer = answer_to(load_project(project), rule)
    if as_json:
        print(json.dumps(words.answer_data(answer)))
        return
    for part in words.answer_parts(answer):
        out.print(part)


@app.command()
@told
def plan(
    project: ProjectOption = None,
    against: Annotated[
        Path | None,
        typer.Option(help="An analysts' file (warehouse.duckdb) that stands alone, instead of the current night"),
    ] = None,
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request")] = False,
) -> None:
    """What the project as it lies on disk would do to the people of the last night: who enters, leaves, is reached."""
    from personalization_pipeline import planning_words as words
    from personalization_pipeline.planning import plan as plan_of

    found = plan_of(load_project(project), against)
    if as_json or markdown:
        print(json.dumps(words.as_data(found)) if as_json else words.as_markdown(found), end="\n" if as_json else "")
        return
    out.print(words.as_text(found), markup=False)


@app.command()
@told
def why(
    person: Annotated[str, typer.Argument(help="A person_id; beside a second one a record key too")],
    other: Annotated[str, typer.Argument(help="Another person_id or record key: are they one person?")] = "",
    project: ProjectOption = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment")] = None,
    audience: Annotated[str | None, typer.Option(help="Only this audience")] = None,
    as_json: JsonOption = False,
) -> None:
    """Why is (or is not) a person in a segment or audience, by each part of the rule; and why are two one person, or two."""
    from personalization_pipeline import pair_words, question_words
    from personalization_pipeline.pair_questions import why_pair
    from personalization_pipeline.questions import why as reasons_for

    loaded = load_project(project)
    if other:
        if segment or audience:
            raise MissingArgument(
                "a segment or audience is about one person", fix="leave the second one, or the option"
            )
        pair = why_pair(loaded, person, other)
        out.print(json.dumps(pair_words.as_data(pair)) if as_json else pair_words.as_text(pair), markup=False)
        return
    reasons = reasons_for(loaded, person, segment=segment, audience=audience)
    if as_json:
        print(json.dumps([question_words.reason_data(reason) for reason in reasons], default=str))
        return
    for line in (line for reason in reasons for line in question_words.reason_lines(reason)):
        out.print(line)


@app.command()
@told
def link(
    one: Annotated[str, typer.Argument(help="A record key, or a person_id: her smallest record key")],
    other: Annotated[str, typer.Argument(help="Another record key or person_id")],
    project: ProjectOption = None,
    same: Annotated[bool, typer.Option("--same", help="They are one person")] = False,
    never: Annotated[bool, typer.Option("--never", help="They are never one person")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Take back what was said about them")] = False,
    by: Annotated[str, typer.Option("--by", help="Who decides (default: the user of this machine)")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, without anybody's data: git cannot forget")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking; needed with --json")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say who is one person in corrections/links.csv. What that would do is shown first; the next night does it."""
    from personalization_pipeline import linking, pair_words
    from personalization_pipeline.blast_radius import blast_radius

    said = [
        word for word, is_said in ((linking.SAME, same), (linking.NEVER, never), (linking.FORGET, forget)) if is_said
    ]
    if len(said) != 1:
        raise MissingArgument("a link says one thing", fix="add one of --same, --never and --forget")
    loaded = load_project(project)
    wanted = linking.change(loaded, one, other, said[0], decided_by=by, reason=reason)
    found = blast_radius(loaded, wanted.links) if wanted.lines else None
    words = pair_words.radius_data(wanted, found) if as_json else pair_words.radius_text(wanted, found)
    out.print(json.dumps(words) if as_json else words, markup=False)
    if found and (yes or (not as_json and typer.confirm("Write it?"))):
        path = linking.write(loaded, wanted)
        err.print(f"wrote {path}; the next night follows it", markup=False)


@app.command()
@told
def verify(
    file: Annotated[Path, typer.Argument(help="A delivered audience file; its certificate lies beside it")],
    key: Annotated[str, typer.Option(help="The sender's public key (hex), got by another way than the file")] = "",
) -> None:
    """Check a delivered file against its certificate, offline: not one byte changed, consent counted, waterfall adds up."""
    from personalization_pipeline.activate.certificate import verify as verdicts_on

    for verdict in verdicts_on(file, key or None):
        out.print(f"[green]ok[/] {verdict.check}: {escape(verdict.finding)}")


if __name__ == "__main__":
    app()

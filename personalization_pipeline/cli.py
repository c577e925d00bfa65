"""The command `personalize`: thin. It reads arguments, calls one function, prints what came back.

Belongs here: arguments, colours, exit codes. Does not belong here: any decision about data, what all commands share
(talking), and the commands of `evaluate` (cli_evaluate).
Exit codes: 0 done; 3 committed, but something was refused; 2 not committed, or the question could not be answered.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table as RichTable

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
    from personalization_pipeline.checking import check_project

    for kind, count in check_project(load_project(project)).items():
        out.print(f"{count:>5} {kind}")
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
    from personalization_pipeline.questions import ask as answer_to

    answer = answer_to(load_project(project), rule)
    if as_json:
        print(
            json.dumps({"count": answer.count, "total": answer.total, "reach": answer.reach, "funnel": answer.funnel})
        )
        return
    out.print(f"[bold]{answer.count:,}[/] of {answer.total:,} people")
    for flag, count in answer.reach.items():
        out.print(f"{count:>9,} {flag.removeprefix('is_').replace('_', ' ')}")
    table = RichTable("part of the rule", "left so far", "meet it alone", "unknown")
    for part, left, alone, unknown in answer.funnel:
        table.add_row(escape(part), f"{left:,}", f"{alone:,}", f"{unknown:,}")
    out.print(table)


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
    person: Annotated[str, typer.Argument(help="A person_id")],
    project: ProjectOption = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment")] = None,
    audience: Annotated[str | None, typer.Option(help="Only this audience")] = None,
    as_json: JsonOption = False,
) -> None:
    """Why is (or is not) a person in a segment or audience: each part of the rule with the values that it read."""
    from personalization_pipeline.questions import why as reasons_for

    reasons = reasons_for(load_project(project), person, segment=segment, audience=audience)
    if as_json:
        print(json.dumps([_as_data(reason) for reason in reasons], default=str))
        return
    for reason in reasons:
        word = "[green]in[/]" if reason.is_member else "[yellow]not in[/]"
        out.print(
            f"{word} [bold]{reason.name}[/]" + "".join(f"  {to}: {outcome}" for to, outcome in reason.outcomes.items())
        )
        for where, change in reason.changes.items():
            out.print(f"    since yesterday: {change}{where and f' at {where}'}", markup=False)
        for part in reason.parts:
            values = ", ".join(f"{name} = {value}" for name, value in part.values.items())
            out.print(f"    {part.verdict:<8}{escape(part.part)}   [dim]{escape(values)}[/]")


def _as_data(reason: Any) -> dict[str, Any]:
    parts = [{"part": p.part, "verdict": p.verdict, "values": p.values} for p in reason.parts]
    told = {"name": reason.name, "is_member": reason.is_member, "outcomes": reason.outcomes, "changes": reason.changes}
    return {**told, "parts": parts}


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

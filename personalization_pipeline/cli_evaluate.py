"""The commands `personalize evaluate ...`: thin, as all of `personalize` (cli).

Belongs here: arguments, and figures put into tables. Does not belong here: what is measured (demo.evaluation for the
demo shop, resolve.evaluation for anybody's labelled records).
"""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.table import Table as RichTable

from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.talking import JsonOption, ProjectOption, out, told

evaluate_app = typer.Typer(
    help="How well it works, measured against a truth that the pipeline never reads.", no_args_is_help=True
)


@evaluate_app.command("demo")
@told
def evaluate_demo(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """The demo shop against its planted truth: people, churn, cycles, preference, uplift and consent.

    Beside each figure of the pipeline stands what a plain rule reaches. Blank: the pipeline has no such figure yet.
    """
    from personalization_pipeline.demo.evaluation import evaluate

    loaded = load_project(project)
    if not (loaded.folder / "truth").is_dir():
        raise MissingArgument(
            "this project has no truth", fix="name a demo: personalize init DIR --demo", where=loaded.folder
        )
    measures = evaluate(loaded)
    if as_json:
        print(json.dumps({measure.name: asdict(measure) for measure in measures}))
        return
    table = RichTable("against the planted truth", "pipeline", "plain rule", "truth")
    for measure in measures:
        table.add_section()
        table.add_row(f"[bold]{measure.name}[/]" + (f"  plain rule: {measure.plain}" if measure.plain else ""))
        for figure in measure.figures:
            values = (figure.pipeline, figure.plain, figure.truth)
            table.add_row(figure.name, *("" if value is None else _figure(value) for value in values))
    out.print(table)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4f}"

"""The commands `personalize evaluate ...`: thin, as all of `personalize` (cli).

Belongs here: arguments, and figures put into tables. Does not belong here: what is measured (demo.evaluation for the
demo shop, resolve.evaluation for anybody's labelled records).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table as RichTable

from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.talking import JsonOption, ProjectOption, err, out, told

if TYPE_CHECKING:
    from personalization_pipeline.foundation.group_score import GroupScore
    from personalization_pipeline.resolve.labelled.evaluation import Evaluation

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


@evaluate_app.command("identity")
@told
def evaluate_identity(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, packed or not, one row per record", show_default=False)],
    id_: Annotated[str, typer.Option("--id", metavar="COLUMN", help="Its column with a record's own id")] = "",
    truth: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="Its column that is equal in all records of one person; blank: not known"),
    ] = "",
    source: Annotated[
        str, typer.Option(metavar="COLUMN", help="Its column with the register that a record comes from, if it has one")
    ] = "",
    household: Annotated[
        str, typer.Option(metavar="COLUMN", help="Its column with the true household, to measure households, too")
    ] = "",
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FACT=COLUMN,...",
            help="Which columns are what, where their names do not tell: first_name=fname_c1,birth_year=by",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Resolve anybody's labelled records as a first night would, without configuration, and measure the result.

    Columns are known by their usual names (given_name, surname, dob, zip, ...); the others are listed as not used. The
    truth is read for measuring only. For example:

    personalize evaluate identity people.csv --id rec_id --truth person --source register
    """
    from personalization_pipeline.resolve.labelled.evaluation import evaluate_file

    since = time.monotonic()

    def say(step: str) -> None:
        err.print(f"[dim]{time.monotonic() - since:6.1f} s[/]  {step} ...")

    found = evaluate_file(
        file, id_=id_, truth=truth, source=source, household=household, mapped=tuple(mapped or ()), say=say
    )
    if as_json:
        print(json.dumps(asdict(found)))
        return
    table = RichTable(f"{file.name}: {found.record_count:,} records", "", title_justify="left")
    for name, value in _identity_rows(found):
        table.add_row(name, value)
    out.print(table)
    out.print("used: " + ", ".join(f"{fact} = {column}" for fact, column in found.used.items()), markup=False)
    out.print(f"not used: {', '.join(found.not_used) or 'none'}", markup=False)
    for note in found.notes:
        out.print(f"note: {note}", markup=False)


def _identity_rows(found: Evaluation) -> Iterator[tuple[str, str]]:
    score = found.score
    yield "true people / found people", f"{score.person_count:,} / {found.cluster_count:,}"
    yield "records of unknown truth, not scored", f"{found.unscored_count:,}"
    yield "pair precision / recall / F1", _three(score, "pair")
    yield "B-cubed precision / recall / F1", _three(score, "bcubed")
    several = score.exact_multi_record_entity_share
    yield "exact people, all / with several records", f"{score.exact_entity_share:.4f} / {several:.4f}"
    yield "records in clusters of two people or more", f"{score.over_merged_record_share:.4f}"
    yield "largest cluster", f"{score.largest_cluster:,} records"
    yield "blocking: recall / pairs per record", f"{found.blocking_recall:.4f} / {found.pairs_per_record:,.1f}"
    if found.households:
        yield "households: pair precision / recall / F1", _three(found.households, "pair")
        yield "households: B-cubed precision / recall / F1", _three(found.households, "bcubed")
    if found.expected_false_share is not None:
        both = f"{found.expected_false_share:.4f} / {1 - score.pair_precision:.4f}"
        yield "wrong merges: expected of links / measured of pairs", both
    yield "model", found.model
    yield "seconds", ", ".join(f"{escape(step)} {taken:.1f}" for step, taken in found.seconds.items())
    yield "peak memory", f"{found.peak_memory_mib:,} MiB"


def _three(score: GroupScore, name: str) -> str:
    return " / ".join(f"{getattr(score, f'{name}_{part}'):.4f}" for part in ("precision", "recall", "f1"))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4f}"

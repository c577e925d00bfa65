"""`personalize evaluate demo`: the night against the truth that lies beside the demo's landing folder.

Belongs here: reading both, and putting figures side by side. Does not belong here: what is measured (measures/*.sql, and
demo.truth for identity). The pipeline never imports this module, nor reads truth/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import polars as pl

from personalization_pipeline.demo.landing import CLOSED_AT
from personalization_pipeline.demo.truth import email_baseline, read_records, score_people
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import Connection, frame, literal, published_connection, query
from personalization_pipeline.questions import current_night

MEASURES = Path(__file__).with_name("measures")

# What the SELECTs of measures/ may name beside the tables of the night. A found person is matched with the true person of
# whom she has most records.
TRUTH = """
CREATE TEMP MACRO as_of() AS TIMESTAMP '{as_of}';
CREATE TEMP MACRO first_night() AS TIMESTAMP '{first_night}' + INTERVAL 2 HOUR;
CREATE TEMP VIEW true_people AS SELECT * FROM read_parquet({people});
CREATE TEMP VIEW true_consents AS SELECT * FROM read_parquet({consents});
CREATE TEMP TABLE matches AS
SELECT person_id, true_person_id
FROM records
JOIN true_records ON true_records.record_key = records.record_key
GROUP BY person_id, true_person_id
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY count(*) DESC, true_person_id) = 1;
"""


@dataclass(frozen=True)
class Figure:
    """One figure of a measure: the pipeline's, that of a plain rule, the truth; None where there is none (yet)."""

    name: str
    pipeline: float | None
    plain: float | None = None
    truth: float | None = None


@dataclass(frozen=True)
class Measure:
    """One thing that is measured, and the plain rule that stands beside the pipeline."""

    name: str
    plain: str
    figures: list[Figure]


def evaluate(project: Project) -> list[Measure]:
    """The current night measured: identity, then each of measures/, then how hard the world is."""
    folder = current_night(project)
    as_of = datetime.fromisoformat(Store(project.store).record(folder)["as_of"]).replace(tzinfo=None)
    connection = published_connection(folder, private=True)
    try:
        truth = read_records(project.folder, as_of)
        identity = _identity(connection, truth)
        tell_truth(connection, project.folder / "truth", truth, as_of)
        measured = [measure(connection, path) for path in sorted(MEASURES.glob("*.sql"))]
    finally:
        connection.close()
    hardness = json.loads((project.folder / "truth" / "hardness.json").read_text(encoding="utf-8"))["measured"]
    world = [Figure(name.replace("_", " "), None, truth=float(value)) for name, value in hardness.items()]
    return [identity, *measured, Measure("world", "", world)]


def tell_truth(connection: Connection, folder: Path, records: pl.DataFrame, as_of: datetime) -> None:
    """Let the connection of a night see the truth, for `measure`."""
    connection.register("true_records", records)
    people, consents = (literal(str(folder / f"{name}.parquet")) for name in ("people", "consents"))
    connection.execute(TRUTH.format(as_of=as_of, first_night=CLOSED_AT, people=people, consents=consents))


def measure(connection: Connection, path: Path) -> Measure:
    """One SELECT of measures/: figure, pipeline, plain, truth. Its header says what the plain rule is."""
    text = path.read_text(encoding="utf-8")
    (plain,) = (line.removeprefix("-- plain: ") for line in text.splitlines() if line.startswith("-- plain: "))
    figures = [
        Figure(name, *(None if value is None else float(value) for value in values))
        for name, *values in query(connection, text)
    ]
    return Measure(path.stem, plain, figures)


def _identity(connection: Connection, truth: pl.DataFrame) -> Measure:
    found = frame(connection, "SELECT record_key, person_id FROM records")
    emails = frame(connection, "SELECT record_key, email FROM contacts")
    ours, baseline = score_people(found, truth), email_baseline(emails, truth)
    figures = [
        Figure(field.name.replace("_", " "), float(getattr(ours, field.name)), float(getattr(baseline, field.name)))
        for field in fields(ours)
    ]
    told = "SELECT tonight_value FROM identity_figures WHERE figure = 'links expected to be wrong' AND subject = 'by their weights'"
    ((expected,),) = query(connection, told)
    wrong = Figure(
        "links expected to be wrong", None if expected is None else float(expected), truth=1 - ours.pair_precision
    )
    return Measure("identity", "exact e-mail", [*figures, wrong])

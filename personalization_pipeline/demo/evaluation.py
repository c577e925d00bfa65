"""`personalize evaluate demo`: the night against the truth that lies beside the demo's landing folder.

Belongs here: reading both and putting figures side by side. Does not belong here: the figures' definitions
(demo.truth). The pipeline never imports this module, nor reads truth/.
"""

from __future__ import annotations

import json
from dataclasses import fields

import polars as pl

from personalization_pipeline.demo.truth import email_baseline, score_people
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import frame, published_connection
from personalization_pipeline.questions import current_night

Figures = dict[str, tuple[float, float | None]]


def evaluate(project: Project) -> Figures:
    """Figure -> (the pipeline's, exact e-mail matching's), over all records of the night; then the world's hardness."""
    truth = pl.read_csv(project.folder / "truth" / "records.csv", infer_schema=False)
    connection = published_connection(current_night(project), private=True)
    try:
        found = frame(connection, "SELECT record_key, person_id FROM records")
        emails = frame(connection, "SELECT record_key, email FROM contacts")
    finally:
        connection.close()
    ours, baseline = score_people(found, truth), email_baseline(emails, truth)
    figures: Figures = {
        field.name.replace("_", " "): (float(getattr(ours, field.name)), float(getattr(baseline, field.name)))
        for field in fields(ours)
    }
    hardness = json.loads((project.folder / "truth" / "hardness.json").read_text(encoding="utf-8"))["measured"]
    return figures | {f"world: {name.replace('_', ' ')}": (float(value), None) for name, value in hardness.items()}

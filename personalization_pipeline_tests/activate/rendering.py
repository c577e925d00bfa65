"""What the tests of rendering share: members written as short rows, files read back as a receiver would."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import polars as pl

from personalization_pipeline.activate.formats import Format
from personalization_pipeline.activate.render import LINE_ENDS, Rendered

MEMBER = {
    "person_id": pl.String,
    "external_id": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "postal_code": pl.String,
    "country": pl.String,
}


def members(*rows: Mapping[str, str | None]) -> pl.DataFrame:
    """One row per member x address; what is not said is null."""
    return pl.DataFrame([{field: row.get(field) for field in MEMBER} for row in rows], schema=MEMBER)


def read_back(format: Format, rendered: Rendered) -> list[list[str]]:
    """Header and rows, read by Python's csv module and not by the library that wrote them."""
    text = rendered.content.decode(format.encoding)
    assert text.endswith(LINE_ENDS[format.line_end])
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=format.delimiter, strict=True))


def spreadsheet(**changes: Any) -> Format:
    """A format for people: they open it in a spreadsheet. Each change replaces a key; `blank` that of the email."""
    said = {
        "name": "spreadsheet",
        "version": "1",
        "description": "A list for the call centre",
        "columns": [
            {"header": "id", "field": "external_id", "normaliser": "generic.external_id", "blank": "keep"},
            {
                "header": "email",
                "field": "email",
                "normaliser": "generic.email",
                "blank": changes.pop("blank", "keep"),
            },
        ],
        "identity": [["external_id"], ["email"]],
        "dedupe": [["email"]],
        "consents": ["marketing"],
        "min_audience": 1,
        "delimiter": ";",
        "encoding": "utf-8-sig",
        "line_end": "crlf",
        "formula_escape": True,
    }
    return Format.model_validate(said | changes)

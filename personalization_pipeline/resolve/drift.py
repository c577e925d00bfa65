"""Whether records are still like those that the identity artefact was learned from.

Belongs here: what is measured when the artefact is learned and again every night. Does not belong here: learning itself
(identity_model), which difference is too much (figures.yaml), and what becomes of people (quality).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from personalization_pipeline.foundation.artefacts import artefact
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve.identity_model import Artefact, learned_levels, prior_of, train
from personalization_pipeline.resolve.link import LOWEST_WEIGHT, score_pairs
from personalization_pipeline.resolve.overrides import Overrides, overrides

SEED = 1
SAMPLE = 20_000  # records whose pairs are weighed once more when a model was learned
FEW_PAIRS = 500  # of fewer nobody can tell whether they are others: those of one person come together
# Millibits from which on a band of weights begins; each reaches to the next.
BANDS = (LOWEST_WEIGHT, -2_000, 0, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000)
COMPLETE = {
    "first name": "first_name_std",
    "surname": "last_name_std",
    "birth date": "birth_date",
    "e-mail": "email_std",
    "phone": "phone_std",
    "street": "street_std",
    "postal code": "postal_code_std",
    "town": "city_std",
}
WEIGHTS = {
    "comparison": "VARCHAR",
    "level": "VARCHAR",
    "place": "BIGINT",
    "m_probability": "DOUBLE",
    "u_probability": "DOUBLE",
    "weight": "BIGINT",
    "is_frequency_adjusted": "BOOLEAN",
}
WEIGHT_BANDS = {"band": "VARCHAR", "lowest_weight": "BIGINT", "pair_count": "BIGINT", "learned_pair_count": "BIGINT"}
MEASURES = {"figure": "VARCHAR", "subject": "VARCHAR", "tonight_millionths": "BIGINT", "learned_millionths": "BIGINT"}
FIGURE_BOUNDS = {
    "figure": "VARCHAR",
    "compared": "VARCHAR",
    "watch": "DOUBLE",
    "bound": "DOUBLE",
    "few": "BIGINT",
    "remedy": "VARCHAR",
}
Rows = list[tuple[str, str, int | None, int | None]]  # of MEASURES


def model(building: Building) -> Artefact:
    """The identity artefact of this night; learned only where there is none."""
    own = overrides(building.project, building.columns("compared_records"))
    return artefact(building, "identity", lambda: learned(frame(building.connection, "FROM compared_records"), own))


def learned(standardised: pl.DataFrame, own: Overrides) -> Artefact:
    """A new identity artefact, and beside it what the records were like: `learned_on`, all whole numbers.

    completeness: millionths of the records; pairs_per_1000_records and bands: the scored pairs of SAMPLE records.
    """
    found = train(standardised, seed=SEED, own=own)
    if found["kind"] != "splink":
        return found
    keys = standardised["record_key"].sort()
    asked = keys.gather_every(max(1, -(-len(keys) // SAMPLE)))
    pairs = score_pairs(standardised, None if len(asked) == len(keys) else asked, found)
    # Every pair counts at each end that was asked, so that a sample counts as all would.
    ends = [pairs.filter(pl.col(f"record_key_{side}").is_in(asked.implode()))["weight"] for side in ("l", "r")]
    weights = pl.concat(ends)
    return found | {
        "learned_on": {
            "completeness": _completeness(standardised),
            "pairs_per_1000_records": len(weights) * 500 // len(asked),
            "bands": _counts(weights),
        }
    }


def drift(artefact: Artefact, standardised: pl.DataFrame, weights: pl.Series, own: Overrides) -> Rows:
    """Tonight's figures beside those of learning (NULL: not kept by this artefact).

    `weights` are those of the scored pairs (millibits), `own` the comparisons that the project sets now.
    """
    before, known = artefact.get("learned_on", {}), artefact.get("overrides", {})
    count = standardised.height
    others = sorted(name for name in {*own, *known} if own.get(name) != known.get(name))
    rows: Rows = [
        ("records", "", count * 1_000_000, artefact["record_count"] * 1_000_000),
        ("comparisons other than asked for", ", ".join(others), len(others) * 1_000_000, 0),
    ]
    if artefact["kind"] != "splink":
        return rows
    completeness = _completeness(standardised)
    rows += [("completeness", name, completeness[name], before.get("completeness", {}).get(name)) for name in COMPLETE]
    per_record, learned_per_record = len(weights) * 1_000 // max(count, 1), before.get("pairs_per_1000_records")
    rows.append(
        (
            "scored pairs per 1,000 records",
            "",
            per_record * 1_000_000,
            None if learned_per_record is None else learned_per_record * 1_000_000,
        )
    )
    # How many pairs are below grows with the square of the records, whatever these are like.
    rather_one = BANDS.index(0)
    shift = stability_index(before["bands"][rather_one:], _counts(weights)[rather_one:]) if before else None
    return [
        *rows,
        ("weights of pairs that are rather one person", "population stability index", shift, 0 if before else None),
    ]


def stability_index(before: Sequence[int], now: Sequence[int]) -> int | None:
    """The population stability index of counts by band, in millionths; None where either are less than FEW_PAIRS.

    The sum of (q - p) ln(q / p) over the bands; below 0.1 nothing has changed, above 0.25 much has (Siddiqi 2006, Credit
    Risk Scorecards). Half a pair more in every band stands for what could have been.
    """
    if min(sum(before), sum(now)) < FEW_PAIRS:
        return None
    index = 0.0
    for was, is_now in zip(before, now, strict=True):
        p, q = ((count + 0.5) / (sum(counts) + len(counts) / 2) for count, counts in ((was, before), (is_now, now)))
        index += (q - p) * math.log(q / p)
    return round(index * 1_000_000)


def weight_bands(artefact: Artefact, weights: pl.Series) -> pl.DataFrame:
    """How many scored pairs weigh how much, tonight and when it was learned: columns WEIGHT_BANDS."""
    if artefact["kind"] != "splink":
        return pl.DataFrame(schema=list(WEIGHT_BANDS))
    words = [f"{low / 1000:g} to {high / 1000:g} bits" for low, high in pairwise(BANDS)]
    words.append(f"{BANDS[-1] / 1000:g} bits and more")
    before = artefact.get("learned_on", {}).get("bands", [None] * len(BANDS))
    return pl.DataFrame(
        list(zip(words, BANDS, _counts(weights), before, strict=True)), schema=list(WEIGHT_BANDS), orient="row"
    )


def level_weights(artefact: Artefact) -> pl.DataFrame:
    """What every level of every comparison says: columns WEIGHTS; first what holds before anything is compared."""
    if artefact["kind"] != "splink":
        return pl.DataFrame(schema=list(WEIGHTS))
    rows: list[tuple[Any, ...]] = [("prior", "before anything is compared", 0, None, None, prior_of(artefact), False)]
    for comparison in artefact["settings"]["comparisons"]:
        for _, place, level in learned_levels(comparison):
            m, u = level["m_probability"], level["u_probability"]
            weight = round(math.log2(m / u) * 1000)
            told = comparison["output_column_name"], level["label_for_charts"], place
            rows.append((*told, m, u, weight, "tf_adjustment_column" in level))
    return pl.DataFrame(rows, schema=list(WEIGHTS), orient="row", infer_schema_length=None)


def figure_bounds() -> pl.DataFrame:
    """One row per figure of figures.yaml: which of it is too much."""
    told = yaml.safe_load(Path(__file__).with_name("figures.yaml").read_text(encoding="utf-8"))
    rows = [
        {column: figure if column == "figure" else bounds.get(column) for column in FIGURE_BOUNDS}
        for figure, bounds in told.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"watch": pl.Float64, "bound": pl.Float64, "few": pl.Int64})


def _completeness(standardised: pl.DataFrame) -> dict[str, int]:
    count = max(standardised.height, 1)
    return {name: standardised[column].count() * 1_000_000 // count for name, column in COMPLETE.items()}


def _counts(weights: pl.Series) -> list[int]:
    import numpy as np

    at = np.searchsorted(np.array(BANDS), weights.to_numpy(), side="right") - 1
    counts: list[int] = np.bincount(at, minlength=len(BANDS)).tolist()
    return counts

"""The linking beside a bare Splink script, at 10,000, 100,000 and 1,000,000 records: seconds, pairs and memory.

    python -m benchmarks.million_records [--sizes 10000 100000 1000000]         writes the table into docs/identity.md

Belongs here: both sides, each in a process of its own, and the bounds. Does not belong here: the records
(person_records), and how right the clusters are (`personalize evaluate identity`).

Both score the same records with the same comparisons, blocks, seed and sample size. The script is what Splink's tutorial
does: u from random pairs, expectation maximisation in two blocks (the fewest in which every fact is free once),
prediction. What it does not do is learn without bias, tell its evidence or give lasting ids.
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.pages import DOCS, write_between_marks
from benchmarks.person_records import person_records
from personalization_pipeline.foundation.building import Building, rehearse
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import put_frame, put_table, query, scratch_connection
from personalization_pipeline.foundation.writes import Kind, write_text
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.resolve.blocks import with_keys
from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.identity_model import MAX_PAIRS, Artefact, train
from personalization_pipeline.resolve.link import LOWEST_WEIGHT, exact_key_edges, score_pairs
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline.starting import start_project

SIZES = (10_000, 100_000, 1_000_000)
SEED = 1
LEARNING_BLOCKS = ("l.birth_date = r.birth_date", "l.email_std = r.email_std")
MOST_LEARNING_AND_SCORING, MOST_TO_IDS, MOST_MEMORY = 1.1, 0.5, 6 * 1024  # of the script's, of scoring, MiB
Figures = dict[str, Any]


def prepare(folder: Path, size: int) -> Figures:
    """Records made and standardised, as Parquet."""
    seconds: dict[str, float] = {}
    with _timed("make", seconds):
        records = person_records(size, SEED)
    with _timed("standardise", seconds):
        standardised = standardise(records)
    standardised.write_parquet(folder / "standardised.parquet")
    return {"seconds": seconds}


def ours(folder: Path, size: int) -> Figures:
    """Learning, scoring and everything from edges to ids, as a first night does it."""
    records, seconds = pl.read_parquet(folder / "standardised.parquet"), dict[str, float]()
    with _timed("learn", seconds):
        artefact = train(records, seed=SEED)
    with _timed("score", seconds):
        edges = score_pairs(records, None, artefact)
    count, night = edges.height, _night(folder / "project")
    with _timed("ids", seconds):
        edges = pl.concat([exact_key_edges(records), edges])
        clusters = cluster(edges, records, artefact)
        people = _ids(night, records, clusters)
    write_text(folder / "artefact.json", json.dumps(artefact), Kind.PROJECT)
    return {"seconds": seconds, "edges": count, "people": people}


def _night(folder: Path) -> Building:
    """A first night of a project, in which every table is there and empty."""
    start_project(folder)
    project = load_project(folder)
    return rehearse(project, catalogue(project), EMPTY_FACTS)


def _ids(night: Building, records: pl.DataFrame, clusters: pl.DataFrame) -> int:
    """The night's own SELECTs over these clusters; how many ids they issue."""
    tables = night.catalogue.tables
    put_frame(night.connection, tables["clusters"].target, clusters)
    put_frame(
        night.connection, tables["standardised"].target, records.with_columns(contact_digest=pl.lit(1, pl.UInt64))
    )
    for name in ("records", "person_history", "person_ids"):
        put_table(night.connection, tables[name].target, tables[name].sql, "", {})
    ((issued,),) = query(night.connection, f"SELECT count(*) FROM {tables['person_ids'].target}")
    return int(issued)


def bare(folder: Path, size: int) -> Figures:
    """Splink as its tutorial uses it."""
    from splink import DuckDBAPI, Linker

    seconds: dict[str, float] = {}
    records = with_keys(pl.read_parquet(folder / "standardised.parquet"))
    settings = _unlearned(json.loads((folder / "artefact.json").read_text(encoding="utf-8")))
    connection = scratch_connection()
    linker = Linker(DuckDBAPI(connection).register(records.to_arrow()), settings, log_level="ERROR")
    with _timed("learn", seconds):
        linker.training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS, seed=SEED)
        for block in LEARNING_BLOCKS:
            linker.training.estimate_parameters_using_expectation_maximisation(block, max_pairs=MAX_PAIRS)
    with _timed("score", seconds):
        pairs = linker.inference.predict(threshold_match_weight=LOWEST_WEIGHT / 1000)
    with _timed("ids", seconds):
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_weight=10)
    ((count,),) = query(connection, f"SELECT count(*) FROM {pairs.physical_name}")
    ((people,),) = query(connection, f"SELECT count(DISTINCT cluster_id) FROM {found.physical_name}")
    return {"seconds": seconds, "edges": count, "people": people}


def _unlearned(artefact: Artefact) -> dict[str, Any]:
    """The settings of an artefact without what was learned, and with what Splink keeps where nobody says otherwise."""
    settings: dict[str, Any] = copy.deepcopy(artefact["settings"])
    settings["retain_intermediate_calculation_columns"] = False
    settings["probability_two_random_records_match"] = 1 / artefact["record_count"]
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("fix_u_probability"):
                level.pop("m_probability", None)
                level.pop("u_probability", None)
    return settings


STAGES: dict[str, Callable[[Path, int], Figures]] = {"prepare": prepare, "ours": ours, "bare": bare}


@contextmanager
def _timed(step: str, seconds: dict[str, float]) -> Iterator[None]:
    since = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - since, 2)


def measured(size: int) -> dict[str, Figures]:
    """All stages of one size, each in its own process."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for stage in STAGES:
            words = ["--stage", stage, "--sizes", str(size), "--folder", folder]
            command = [sys.executable, "-m", "benchmarks.million_records", *words]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[stage] = json.loads(said.splitlines()[-1])
            print(f"{size:,} {stage}: {found[stage]}", file=sys.stderr, flush=True)
    return found


def table(found: dict[int, dict[str, Figures]]) -> str:
    """Markdown: one row per size, ours / bare Splink."""
    head = "| records | standardise, s | learn, s: ours / bare | score, s | learn + score | edges to ids, s | of scoring | edges | memory, MiB |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for size, stages in found.items():
        a, b = stages["ours"], stages["bare"]
        s, t = a["seconds"], b["seconds"]
        ratio, to_ids = (s["learn"] + s["score"]) / (t["learn"] + t["score"]), s["ids"] / s["score"]
        lines.append(
            f"| {size:,} | {stages['prepare']['seconds']['standardise']:.1f} | {s['learn']:.1f} / {t['learn']:.1f} "
            f"| {s['score']:.1f} / {t['score']:.1f} | {ratio:.2f} of bare{_over(ratio, MOST_LEARNING_AND_SCORING)} "
            f"| {s['ids']:.1f} / {t['ids']:.1f} | {to_ids:.2f}{_over(to_ids, MOST_TO_IDS)} "
            f"| {a['edges']:,} / {b['edges']:,} | {a['memory']:,} / {b['memory']:,}{_over(a['memory'], MOST_MEMORY)} |"
        )
    return "\n".join(lines) + "\n"


def _over(value: float, most: float) -> str:
    return f" (**over {most:g}**)" if value > most else ""


def main() -> None:
    """Measure every size, write the table; or, as one of its own processes, one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        found = STAGES[given.stage](given.folder, given.sizes[0])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({**found, "memory": memory}))
        return
    made = table({size: measured(size) for size in given.sizes})
    write_between_marks(DOCS / "identity.md", "million_records", made)
    print(made)


if __name__ == "__main__":
    main()

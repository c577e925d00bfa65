"""`personalize evaluate identity`: the linking of phase resolve over labelled records, and how well it went.

Belongs here: the steps of the linking as a night takes them, timed, and what is counted about them. Does not belong
here: the measures of a grouping (foundation.group_score), and reading a file (file, columns).
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.group_score import GroupScore, score_groups
from personalization_pipeline.foundation.tables import read_table
from personalization_pipeline.foundation.warehouse import frame, put_frame, put_table, query, scratch_connection
from personalization_pipeline.resolve import limits
from personalization_pipeline.resolve.blocks import with_keys
from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.households import households
from personalization_pipeline.resolve.identity_model import Artefact, train
from personalization_pipeline.resolve.labelled.columns import Labelled, label
from personalization_pipeline.resolve.labelled.file import read_texts
from personalization_pipeline.resolve.link import exact_key_edges, score_pairs
from personalization_pipeline.resolve.quality import expected_false_share, links
from personalization_pipeline.resolve.standardise import standardise

TABLES = Path(limits.__file__).with_name("tables")
SEED = 1  # as a night trains
EXACT_KEYS = ("email_std", "phone_std")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """What the linking made of labelled records. Shares lie in 0..1; seconds are wall time by step; memory is the most
    that this process ever held, in MiB.
    """

    record_count: int
    unscored_count: int  # records of unknown truth
    cluster_count: int
    score: GroupScore  # of the records of known truth
    households: GroupScore | None  # of the records whose true household is known
    model: str
    blocking_recall: float  # share of the true pairs that a block or an exact key brings together
    pairs_per_record: float  # candidates
    expected_false_share: float | None  # of the links, without a look at the truth; beside it: 1 - pair precision
    seconds: dict[str, float]
    peak_memory_mib: int
    used: dict[str, str]
    not_used: list[str]
    notes: list[str]


def evaluate_file(
    path: Path,
    *,
    id_: str,
    truth: str,
    source: str = "",
    household: str = "",
    mapped: tuple[str, ...] = (),
    say: Say,
) -> Evaluation:
    """Everything from a file to figures, without configuration. See `label` for what is refused."""
    seconds: dict[str, float] = {}
    with _timed("read", seconds, say):
        labelled = label(
            read_texts(path), path, id_=id_, truth=truth, source=source, mapped=mapped, household=household
        )
    return evaluate(labelled, seconds, say)


def evaluate(labelled: Labelled, seconds: dict[str, float], say: Say) -> Evaluation:
    """Standardise, set aside, train, score, add exact keys, cluster: as in a first night; then measure. `seconds` is added to."""
    with _timed("standardise", seconds, say):
        records = standardise(labelled.contacts, labelled.default_country)
    with _timed("set aside", seconds, say):
        records = compared(records)
    with _timed("train", seconds, say):
        artefact = train(records, seed=SEED)
    with _timed("score", seconds, say):
        scored = score_pairs(records, None, artefact)
    with _timed("exact keys", seconds, say):
        edges = pl.concat([exact_key_edges(records), scored])
    with _timed("cluster", seconds, say):
        clusters = cluster(edges, records, artefact)
    with _timed("measure", seconds, say):
        expected = expected_false_share(links(edges, clusters)["weight"])
        both = labelled.truth.join(clusters.rename({"cluster_key": "found"}), on="record_key")
        score = score_groups(both.select("true", "found"))
        homes = None if labelled.homes is None else household_score(records, clusters, labelled.homes, labelled.truth)
        recall, pairs = blocking(records, labelled.truth, artefact)
    notes = list(labelled.notes)
    if artefact["kind"] != "splink":
        notes.append("too few records or facts to learn from: only exact keys join records")
    return Evaluation(
        record_count=records.height,
        unscored_count=records.height - labelled.truth.height,
        cluster_count=clusters["cluster_key"].n_unique(),
        score=score,
        households=homes,
        model=artefact["kind"],
        blocking_recall=recall,
        pairs_per_record=pairs / records.height,
        expected_false_share=None if expected is None else expected / 1_000_000,
        seconds={step: round(taken, 2) for step, taken in seconds.items()},
        peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        used=labelled.used,
        not_used=labelled.not_used,
        notes=notes,
    )


def household_score(
    records: pl.DataFrame, clusters: pl.DataFrame, homes: pl.DataFrame, truth: pl.DataFrame
) -> GroupScore:
    """How well households of found people fit the true ones (record_key, home).

    Where more people share a true home than live in a household (limits.yaml), it is an institution: each is her own.
    A record without a found household is a household of its own.
    """
    found = households(records.join(clusters.select("record_key", person_id="cluster_key"), on="record_key"))
    known = homes.join(truth, on="record_key").join(found, on="record_key", how="left")
    is_institution = pl.col("true").n_unique().over("home") > limits.limits()["households"]["people_limit"]
    return score_groups(
        known.select(
            true=pl.when(is_institution).then(pl.format("alone {}", "true")).otherwise("home"),
            found=pl.coalesce("household_key", pl.format("alone {}", "record_key")),
        )
    )


def compared(standardised: pl.DataFrame) -> pl.DataFrame:
    """The records without the values that too many share (limits.yaml), by the SELECTs of a first night."""
    connection = scratch_connection()
    try:
        for catalog in ("computed", "yesterday"):
            connection.execute(f"ATTACH ':memory:' AS {catalog}")
        blank = {"contact_digest": pl.lit(0, pl.UInt64), "same_as_key": pl.lit(None, pl.String)}
        put_frame(connection, "standardised", standardised.with_columns(**blank), {"same_as_key": "VARCHAR"})
        put_frame(connection, "computed.main.sharing_limits", limits.sharing_limits())
        put_frame(connection, "computed.main.role_mailboxes", limits.role_mailboxes())
        connection.execute("CREATE TABLE tonight AS SELECT TIMESTAMP '2000-01-01' AS as_of")
        connection.execute(
            "CREATE TABLE yesterday.main.shared_values (kind VARCHAR, value VARCHAR, since_at TIMESTAMP)"
        )
        shared, kept = (
            read_table(TABLES / f"{name}.sql", "resolve").sql for name in ("shared_values", "compared_records")
        )
        put_table(connection, "shared_values", shared, "", {})
        return frame(connection, kept).select(standardised.columns)
    finally:
        connection.close()


def blocking(records: pl.DataFrame, truth: pl.DataFrame, artefact: Artefact) -> tuple[float, int]:
    """The share of true pairs that any block or exact key brings together, and how many pairs these bring in all."""
    blocks: list[str] = []
    if artefact["kind"] == "splink":
        blocks += artefact["settings"]["blocking_rules_to_generate_predictions"]
    blocks += [block for key in EXACT_KEYS if (block := f"l.{key} = r.{key}") not in blocks]
    reached = " OR ".join(f"coalesce({block}, false)" for block in blocks)
    connection = scratch_connection()
    try:
        connection.register("records", with_keys(records))
        connection.register("truth", truth)
        true, found = query(
            connection,
            f"SELECT count(*), count(*) FILTER ({reached}) FROM truth AS one "
            "JOIN truth AS other ON one.true = other.true AND one.record_key < other.record_key "
            "JOIN records AS l ON l.record_key = one.record_key JOIN records AS r ON r.record_key = other.record_key",
        )[0]
        pairs = 0
        for place, block in enumerate(blocks):
            # Every pair counts in the first block that brings it.
            before = "".join(f" AND NOT coalesce({earlier}, false)" for earlier in blocks[:place])
            sides = "records AS l JOIN records AS r ON l.record_key < r.record_key"
            pairs += query(connection, f"SELECT count(*) FROM {sides} AND {block}{before}")[0][0]
    finally:
        connection.close()
    return (found / true if true else 1.0), pairs


@contextmanager
def _timed(step: str, seconds: dict[str, float], say: Say) -> Iterator[None]:
    say(step)
    since = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - since

"""Which records hang together, and what every pair of those weighs.

Belongs here: connected components of the edges, what decides how one is cut, and the pairs inside that are no edge: what
speaks against a merge is rarely an edge. Does not belong here: what an edge is worth (link), and the cut (cluster).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import polars as pl

from personalization_pipeline.foundation.artefacts import key_of
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.resolve.corrections import NEVER, SAME
from personalization_pipeline.resolve.identity_model import Artefact
from personalization_pipeline.resolve.link import LOWEST_WEIGHT, score_within

# Millibits: odds of nearly three to one. One constant for data of every kind; docs/identity.md tells what was tried. A
# person who sees another's data costs more than one who is known twice.
CUT = 1_500
CLIP = 25_000  # millibits: edges of this weight hold the largest components together
MAX_COMPONENT = 1_000  # records: all pairs of a larger component would be too many
STEP = 2_000  # millibits by which the cut of a larger component rises
COMPONENTS = {
    "record_key": pl.String,
    "component": pl.Int64,
    "component_cut": pl.Int64,
    "component_digest": pl.UInt64,
    "component_before": pl.UInt64,
}


def cut_of(project: Project) -> int:
    """The weight (millibits) from which on records are one person: the project's, else CUT.

    Raises ProjectError for one below which there are no edges.
    """
    cut = project.settings.identity.cut
    if cut is not None and cut < LOWEST_WEIGHT:
        raise ProjectError(
            f"identity.cut: {cut} is less than any pair that is looked at weighs",
            fix=f"write thousandths of a bit, {LOWEST_WEIGHT} or more; without the line it is {CUT}",
            where=project.folder / "project.yaml",
        )
    return CUT if cut is None else cut


def with_keys_holding(edges: pl.DataFrame, cut: int) -> pl.DataFrame:
    """The edges as they count under a cut: an exact or given key is a rule, and reaches whatever is asked of evidence."""
    is_key, weight = ~pl.col("kind").is_in(["splink", SAME, NEVER]), pl.col("weight")
    return edges.with_columns(weight=pl.when(is_key).then(pl.max_horizontal(weight, pl.lit(cut))).otherwise(weight))


def components(
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    artefact: Artefact,
    before: pl.DataFrame | None = None,
    *,
    once: Collection[str] = (),
    cut: int = CUT,
    limit: int = MAX_COMPONENT,
) -> pl.DataFrame:
    """Every record once, sorted, with its connected component by edges from `cut` (millibits) on: columns COMPONENTS.

    `edges` are those of `score_pairs`, `exact_key_edges` and `said_edges`, `with_keys_holding`. One of kind `same` holds whatever it weighs; a
    pair that is `never` one person, or of one source of `once` (those that hold each person once), holds nothing
    together. A component of more than `limit` records loses its weakest edges, step by step, until its parts are small
    enough: its component_cut (millibits) is more than `cut`, something to look at. The digest is of all that decides how a
    component is cut; NULL where one or two records leave nothing to decide, and everywhere where no record has a contact_digest. `before` (record_key, component_digest) are the known
    records as an earlier night grouped them: component_before.
    """
    found = _cut_to_size(_holding(edges, once), standardised["record_key"], cut, limit)
    several = found.filter(pl.len().over("component") > 2)
    digests = _digests(several, edges, standardised, rules_key(artefact, once, cut))
    known = pl.DataFrame(schema={"record_key": pl.String, "component_digest": pl.UInt64}) if before is None else before
    return (
        found.join(digests, on="component", how="left", maintain_order="left")
        .join(
            known.rename({"component_digest": "component_before"}), on="record_key", how="left", maintain_order="left"
        )
        .select(list(COMPONENTS))
    )


def inner_pairs(
    found: pl.DataFrame,
    edges: pl.DataFrame,
    standardised: pl.DataFrame,
    artefact: Artefact,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """The weight of every pair inside components of three and more that is no scored edge: record_key_l < record_key_r, weight,
    facts.

    Pairs that stood in one component before were weighed then, and are left out.
    """
    keys, before = ["record_key_l", "record_key_r"], pl.col("component_before")
    has_new_pairs = before.is_null().any() | (before.n_unique() > 1)
    changed = found.filter((pl.len().over("component") > 2) & has_new_pairs.over("component"))
    scored = score_within(standardised, changed, artefact, threads=threads, memory_limit=memory_limit)
    return scored.join(edges.filter(pl.col("kind") == "splink"), on=keys, how="anti").sort(keys)


def rules_key(artefact: Artefact, once: Collection[str], cut: int) -> str:
    """What components depend on besides records, edges and people's word: 32 hex digits."""
    return hashlib.md5(" ".join([key_of(artefact), str(cut), *once]).encode()).hexdigest()


def source_of(side: str) -> pl.Expr:
    """The source of a record, by its key."""
    return pl.col(side).str.extract("^([^:]*):")


def _holding(edges: pl.DataFrame, once: Collection[str]) -> pl.DataFrame:
    """The pairs that may hold a component together: record_key_l, record_key_r, weight, is_same."""
    keys, kind, source = ["record_key_l", "record_key_r"], pl.col("kind"), source_of("record_key_l")
    pairs = edges.group_by(keys).agg(
        pl.col("weight").max(), is_same=(kind == SAME).any(), is_never=(kind == NEVER).any()
    )
    is_limited = source.is_in(list(once)) & (source == source_of("record_key_r"))
    return pairs.filter(pl.col("is_same") | ~(pl.col("is_never") | is_limited.fill_null(False))).drop("is_never")


def _digests(several: pl.DataFrame, edges: pl.DataFrame, standardised: pl.DataFrame, rules: str) -> pl.DataFrame:
    """Per component 64 bits of the md5 of all that decides how it is cut: component, component_digest.

    Scored edges follow from the records and the artefact. An exact key does not, since others may share it, nor a word.
    """
    if "contact_digest" not in standardised.columns:
        return several.select(pl.col("component").unique(), component_digest=pl.lit(None, pl.UInt64))
    records = several.join(standardised.select("record_key", "contact_digest"), on="record_key").select(
        "component", text=pl.format("{} {}", "record_key", "contact_digest")
    )
    exact = (
        edges.filter(pl.col("kind") != "splink")
        .join(several.select("component", record_key_l="record_key"), on="record_key_l")
        .join(several.select("component", record_key_r="record_key"), on=["component", "record_key_r"])
        .select("component", text=pl.format("{} {} {} {}", "record_key_l", "record_key_r", "kind", "weight"))
    )
    texts = pl.concat([records, exact]).group_by("component").agg(pl.col("text").sort().str.join("\n"))
    digests = [hashlib.md5(f"{rules}\n{text}".encode()).digest()[:8] for text in texts["text"]]
    numbers = [int.from_bytes(digest) for digest in digests]
    return texts.select("component", component_digest=pl.Series(numbers, dtype=pl.UInt64))


def _cut_to_size(ends: pl.DataFrame, record_keys: pl.Series, cut: int, limit: int) -> pl.DataFrame:
    """record_key, component, component_cut, held together by `ends` (see `_holding`) from `cut` on.

    Where even the strongest edges hold too many together, only people's word does.
    """
    keys = record_keys.sort()
    place = pl.DataFrame({"record_key": keys, "place": range(len(keys))}, schema_overrides={"place": pl.Int64})
    for side in ("l", "r"):
        ends = ends.join(place.rename({"record_key": f"record_key_{side}", "place": side}), on=f"record_key_{side}")
    done, rest, highest = [], place, max(cut, CLIP)
    while rest.height and cut <= highest:
        ends = ends.filter(pl.col("is_same") | (pl.col("weight") >= cut))
        labelled = rest.with_columns(component=connected(ends, len(keys)).gather(rest["place"]))
        labelled = labelled.with_columns(component_cut=pl.lit(cut, pl.Int64), size=pl.len().over("component"))
        done.append(labelled.filter(pl.col("size") <= limit))
        rest = labelled.filter(pl.col("size") > limit).select("record_key", "place")
        ends = ends.filter(pl.col("l").is_in(rest["place"].to_list()))
        cut += STEP
    said = connected(ends.filter("is_same"), len(keys)).gather(rest["place"])
    done.append(rest.with_columns(component=said, component_cut=pl.lit(cut, pl.Int64)))
    return pl.concat(done, how="diagonal").select("record_key", "component", "component_cut").sort("record_key")


def connected(ends: pl.DataFrame, count: int) -> pl.Series:
    """For each of `count` places the smallest place that it is connected to by the ends l and r."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    linked = (np.ones(ends.height, dtype=np.int8), (ends["l"].to_numpy(), ends["r"].to_numpy()))
    _, labels = connected_components(coo_array(linked, shape=(count, count)), directed=False)
    places = pl.DataFrame({"label": labels, "place": np.arange(count)})
    return places.select(pl.col("place").min().over("label")).to_series()

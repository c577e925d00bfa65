"""The evidence of a night's edges in words, beside what the pairs were weighed with."""

from __future__ import annotations

import json

import polars as pl

from personalization_pipeline.resolve.link import evidence_of
from personalization_pipeline_tests.resolve.contacts import SCHEMA
from personalization_pipeline_tests.resolve.resolving import Resolving


def test_the_evidence_of_every_scored_edge_is_what_its_levels_and_facts_mean(
    resolving: Resolving, population: pl.DataFrame
) -> None:
    made = resolving.night(population)
    artefact = resolving.building.artefacts["identity"]
    told = {row[:3]: (row[3], json.loads(row[4])) for row in made["edge_evidence"]}
    scored = [edge for edge in made["edges"] if edge[2] == "splink"]
    assert len(scored) > 100
    for *keys, weight, levels, facts, _, _ in scored:
        assert told[tuple(keys)] == (weight, evidence_of(artefact, levels, facts))


def test_an_exact_key_says_which_it_is_where_nothing_was_learned_to_weigh_with(resolving: Resolving) -> None:
    resolving.building.artefacts["identity"] = {"kind": "exact-keys-only", "record_count": 0}
    resolving.building.artefact_keys["identity"] = "nothing learned"
    anna = {"first_name": "Anna", "last_name": "Berg", "email": "anna@x.example"}
    made = resolving.night(pl.DataFrame([{**anna, "record_key": key} for key in ("a:1", "b:1")], schema=SCHEMA))
    assert made["edge_evidence"] == [("a:1", "b:1", "email", 10_000, '{"email":{"level":"same","millibits":10000}}')]

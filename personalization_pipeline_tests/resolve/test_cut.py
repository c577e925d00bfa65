"""The cut of project.yaml counts every night: another one, other people, without a model learned or a pair scored anew.

Belongs here: nights under several cuts. Does not belong here: loading and refusing one (test_overrides).
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from personalization_pipeline.foundation.declarations import Identity
from personalization_pipeline_tests.resolve.resolving import EQUAL, Resolving, done, partition


def cut_at(resolving: Resolving, cut: int) -> None:
    project = resolving.building.project
    asked = project.settings.model_copy(update={"identity": Identity(cut=cut)})
    resolving.building.project = replace(project, settings=asked)


def test_another_cut_clusters_anew_and_comes_to_the_same_as_a_night_that_knows_nothing(
    resolving: Resolving, population: pl.DataFrame
) -> None:
    """No pair is scored again; with a cut that no evidence reaches only keys join, and the people are back with the old one."""
    usual = resolving.night(population)
    found = {}
    for cut in (60_000, 12_000, -4_000, 1_500):
        cut_at(resolving, cut)
        found[cut] = resolving.night(population)
        assert done(found[cut])["pairs"][1] == done(found[cut])["records"][1] == 0
        resolving.forget()
        full = resolving.night(population)
        assert {name: found[cut][name] for name in EQUAL} == {name: full[name] for name in EQUAL}
        assert partition(found[cut]["records"]) == partition(full["records"])
        assert {row[2] for row in full["clusters"]} == {cut}
    people = {cut: partition(made["records"]) for cut, made in found.items()}
    assert len(people[60_000]) > len(people[12_000]) > len(people[1_500]) > len(people[-4_000])
    assert people[1_500] == partition(usual["records"])
    keyed = [{left, right} for left, right, kind, *_ in found[60_000]["edges"] if kind != "splink"]
    assert any(len(person) > 1 for person in people[60_000])
    assert all(any(pair <= person for pair in keyed) for person in people[60_000] if len(person) > 1)

"""The planted truth of the demo world through the pipeline: are the people that it finds the people that there are?

Landed files, through their sources, to clusters, by the tables of the night itself and the artefact that the demo pins.
The worlds were looked at by nobody while the model was made; the demo that everybody sees is scored as a whole night.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from personalization_pipeline.demo.evaluation import evaluate
from personalization_pipeline.demo.truth import email_baseline, read_records, score_people
from personalization_pipeline.foundation.building import build
from personalization_pipeline.foundation.group_score import GroupScore
from personalization_pipeline.foundation.night import choose_as_of
from personalization_pipeline.foundation.opening import open_night
from personalization_pipeline.foundation.overlay import needed
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.starting import start_demo

PRECISION, RECALL, AHEAD_OF_EMAIL = 0.99, 0.85, 0.10


def scores(folder: Path) -> tuple[GroupScore, GroupScore]:
    """The pipeline's clusters and exact e-mail matching, against the truth that lies beside the landing folder."""
    project = load_project(folder)
    building = open_night(project, catalogue(project), choose_as_of(project, None))
    try:
        wanted = needed(building.catalogue, {"clusters"}, ())[0]
        for table in filter(wanted.__contains__, building.catalogue.order()):
            build(building, table)
        found = frame(building.connection, "SELECT record_key, cluster_key AS person_id FROM clusters")
        emails = frame(building.connection, "SELECT record_key, email FROM contacts")
    finally:
        building.connection.close()
    truth = read_records(folder, building.as_of)
    return score_people(found, truth), email_baseline(emails, truth)


@pytest.mark.slow
@pytest.mark.replay
@pytest.mark.parametrize("seed", [501, 502, 601])
def test_the_people_of_a_world_of_two_thousand_are_found(tmp_path: Path, seed: int) -> None:
    start_demo(tmp_path / "shop", people=2000, seed=seed)
    ours, by_email = scores(tmp_path / "shop")
    assert ours.person_count > 1850
    assert ours.pair_precision >= PRECISION
    assert ours.pair_recall >= max(RECALL, by_email.pair_recall + AHEAD_OF_EMAIL)


def test_evaluate_tells_the_same_of_a_whole_night(demo_night: Path) -> None:
    identity = {figure.name: figure for figure in evaluate(load_project(demo_night))[0].figures}
    precision, recall = identity["pair precision"], identity["pair recall"]
    assert precision.pipeline is not None
    assert recall.pipeline is not None
    assert recall.plain is not None
    assert precision.pipeline >= PRECISION
    assert recall.pipeline >= max(RECALL, recall.plain + AHEAD_OF_EMAIL)
    expected = identity["links expected to be wrong"]
    assert expected.pipeline is not None
    assert expected.truth == 1 - precision.pipeline
    assert 0 < expected.pipeline < 0.05

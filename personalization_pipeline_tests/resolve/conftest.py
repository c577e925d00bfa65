"""One small demo world with its truth, standardised and learned once for all tests of phase resolve."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest

from personalization_pipeline.demo.world import make_world, making
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve.identity_model import Artefact, train
from personalization_pipeline.resolve.link import exact_key_edges, score_pairs
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.contacts import SCHEMA as CONTACTS


@dataclass(frozen=True)
class Learned:
    """Standardised records, what was learned from them, their edges, and who they are."""

    standardised: pl.DataFrame
    artefact: Artefact
    edges: pl.DataFrame
    truth: pl.DataFrame  # record_key, true_person_id


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """A world of 1,000 people: enough to learn from, small enough to wait for."""
    with making(tmp_path_factory.mktemp("world"), seed=5) as connection:
        make_world(connection, people=1_000, seed=5, progress=lambda _: None)
        known = frame(connection, "SELECT * FROM records ORDER BY source, record_id")
    keys = pl.format("{}:{}", "source", "record_id")
    texts = [pl.col(name).replace("", None) for name in CONTACTS if name not in ("record_key", "street", "birth_date")]
    street = pl.concat_str("street", "house_number", separator=" ")
    standardised = standardise(known.select("birth_date", *texts, record_key=keys, street=street))
    artefact = train(standardised, seed=1)
    edges = pl.concat([exact_key_edges(standardised), score_pairs(standardised, None, artefact)])
    truth = known.select(record_key=keys, true_person_id="person_n")
    return Learned(standardised, artefact, edges, truth)

"""One small demo world with its truth, standardised and learned once for all tests of phase resolve."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest

from personalization_pipeline.demo.world import make_world
from personalization_pipeline.resolve.identity_model import Artefact, train
from personalization_pipeline.resolve.link import exact_key_edges, score_pairs
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.contacts import contacts


@dataclass(frozen=True)
class Learned:
    """Standardised records, what was learned from them, their edges, and who they are."""

    standardised: pl.DataFrame
    artefact: Artefact
    edges: pl.DataFrame
    truth: pl.DataFrame  # record_key, true_person_id


@pytest.fixture(scope="session")
def learned() -> Learned:
    """A world of 1,000 people: enough to learn from, small enough to wait for."""
    records = make_world(people=1_000, seed=5).records
    standardised = standardise(
        contacts(
            *(
                {
                    "record_key": record.record_key,
                    "first_name": record.first_name,
                    "last_name": record.last_name,
                    "email": record.email,
                    "phone": record.phone,
                    "birth_date": record.birth_on,
                    "street": record.street,
                    "postal_code": record.postal_code,
                    "city": record.city,
                    "country": record.country,
                }
                for record in records
            )
        )
    )
    artefact = train(standardised, seed=1)
    edges = pl.concat([exact_key_edges(standardised), score_pairs(standardised, None, artefact)])
    truth = pl.DataFrame(
        [(record.record_key, record.person_id) for record in records],
        schema=["record_key", "true_person_id"],
        orient="row",
    )
    return Learned(standardised, artefact, edges, truth)

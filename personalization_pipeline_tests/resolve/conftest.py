"""A small demo world with its truth, standardised and learned once for all tests of phase resolve, and nights over a smaller one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.demo.world import make_world, making
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.resolve.identity_model import Artefact, train
from personalization_pipeline.resolve.link import exact_key_edges, score_pairs
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline.starting import DEMO_PROJECT, start_project
from personalization_pipeline_tests.resolve.contacts import SCHEMA
from personalization_pipeline_tests.resolve.resolving import Resolving

CONTACTS = """
SELECT
    concat(source, ':', record_id) AS record_key,
    nullif(first_name, '') AS first_name,
    nullif(last_name, '') AS last_name,
    nullif(email, '') AS email,
    nullif(phone, '') AS phone,
    birth_date,
    nullif(trim(concat_ws(' ', house_number, street)), '') AS street,
    nullif(postal_code, '') AS postal_code,
    nullif(city, '') AS city,
    country
FROM records
ORDER BY record_key
"""


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
    with making(tmp_path_factory.mktemp("world"), seed=5) as world:
        make_world(world, people=1_000, seed=5, progress=lambda _: None)
        records = frame(world, CONTACTS)
        truth = frame(
            world,
            "SELECT concat(source, ':', record_id) AS record_key, person_id AS true_person_id "
            "FROM records JOIN people ON people.person_n = records.person_n ORDER BY record_key",
        )
    standardised = standardise(records)
    artefact = train(standardised, seed=1)
    edges = pl.concat([exact_key_edges(standardised), score_pairs(standardised, None, artefact)])
    return Learned(standardised, artefact, edges, truth)


@pytest.fixture(scope="module")
def pinning_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project that pins the demo's identity artefact."""
    folder = tmp_path_factory.mktemp("resolving") / "project"
    start_project(folder)
    shutil.copytree(DEMO_PROJECT / "artefacts", folder / "artefacts")
    with (folder / "project.yaml").open("a", encoding="utf-8") as file:
        file.write("artefacts: {identity: artefacts/identity.json}\n")
    return folder


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The contacts of 60 people of the demo world, two or three records each."""
    with making(tmp_path_factory.mktemp("world"), seed=3) as connection:
        make_world(connection, people=60, seed=3, progress=lambda _: None)
        known = frame(connection, "SELECT * FROM records ORDER BY source, record_id")
    texts = [pl.col(name).replace("", None) for name in SCHEMA if name not in ("record_key", "street", "birth_date")]
    street = pl.concat_str("street", "house_number", separator=" ")
    return known.select(record_key=pl.format("{}:{}", "source", "record_id"), street=street).hstack(
        known.select("birth_date", *texts)
    )


@pytest.fixture
def resolving(pinning_project: Path, tmp_path: Path) -> Iterator[Resolving]:
    """No night yet."""
    made = Resolving(pinning_project, tmp_path)
    yield made
    made.building.connection.close()

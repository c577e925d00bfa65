"""The linking over labelled files as strangers bring them: figures that can be counted by hand, and real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.resolve.labelled.evaluation import (
    Evaluation,
    blocking,
    compared,
    evaluate_file,
    household_score,
)
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.contacts import SCHEMA

FIRST = ("Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Henry", "Ines", "Jonas")
LAST = ("Albrecht", "Brandt", "Christ", "Decker", "Ebner", "Fuchs", "Gruber", "Hofer", "Imhof", "Jansen")


def quiet(step: str) -> None:
    """Says nothing."""


def people(count: int = 100) -> list[dict[str, str]]:
    """Everybody twice: once as two words and an ISO date in `a`, once with an American date and a slip in `b`."""
    rows = []
    for n in range(count):
        first, last, month, day = FIRST[n % 10], LAST[n // 10 % 10], n % 12 + 1, n % 28 + 1
        whose = {"person": str(n), "email": f"{last}.{n}@mail.example", "zip": f"{10_000 + n * 37 % 500}"}
        rows.append(
            {"source": "a", "id": str(n), "name": f"{first} {last}", "dob": f"1980-{month:02}-{day:02}", **whose}
        )
        slip = {"name": f"{last}, {first}s", "dob": f"{month:02}/{day:02}/1980"}
        rows.append({"source": "b", "id": str(n), **slip, **whose, "email": whose["email"] if n % 2 else ""})
    return rows


def evaluated(path: Path, *mapped: str) -> Evaluation:
    return evaluate_file(path, id_="id", truth="person", mapped=mapped, say=quiet)


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "csv": lambda frame, path: frame.write_csv(path),
    "parquet": lambda frame, path: frame.write_parquet(path),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_small_file_is_resolved_and_every_figure_told(tmp_path: Path, ending: str) -> None:
    WRITERS[ending](pl.DataFrame(people()), tmp_path / f"people.{ending}")
    found = evaluated(tmp_path / f"people.{ending}")
    assert found.record_count == found.score.record_count == 200
    assert (found.model, found.unscored_count) == ("splink", 0)
    assert found.score.pair_precision >= 0.99
    assert found.score.pair_recall >= 0.9
    assert 0.9 <= found.blocking_recall <= 1
    assert found.pairs_per_record >= 0.5
    assert list(found.seconds) == [
        "read",
        "standardise",
        "set aside",
        "train",
        "score",
        "exact keys",
        "cluster",
        "measure",
    ]
    assert found.peak_memory_mib > 50
    assert found.used == {"full_name": "name", "email": "email", "birth_date": "dob", "postal_code": "zip"}
    assert any("a: %Y-%m-%d; b: %m/%d/%Y; 0.00%" in note for note in found.notes)


def test_the_order_of_rows_and_columns_changes_no_figure(tmp_path: Path) -> None:
    rows = pl.DataFrame(people())
    rows.write_csv(tmp_path / "one.csv")
    rows.reverse().select(sorted(rows.columns)).write_csv(tmp_path / "other.csv", separator=";")
    one, other = (asdict(evaluated(tmp_path / f"{name}.csv")) for name in ("one", "other"))
    for told in (one, other):
        del told["seconds"], told["peak_memory_mib"], told["notes"]
    assert one == other


def test_fewer_records_than_can_be_learned_from_are_joined_by_exact_keys_and_that_is_told(tmp_path: Path) -> None:
    rows = [{"id": "1", "person": "p", "email": "a@mail.example", "surname": "Berg", "first": "Ann"}]
    rows += [{**rows[0], "id": "2"}, {**rows[0], "id": "3", "person": "", "email": "b@mail.example"}]
    pl.DataFrame(rows).write_csv(tmp_path / "people.csv")
    found = evaluated(tmp_path / "people.csv")
    assert (found.score.pair_f1, found.cluster_count, found.unscored_count) == (1, 2, 1)
    assert found.model == "exact-keys-only"
    assert any("only exact keys join records" in note for note in found.notes)


def test_a_number_that_more_people_share_than_a_family_has_joins_nobody() -> None:
    rows = [
        {
            "record_key": f"{n}",
            "first_name": first,
            "last_name": last,
            "phone": "+493012345678",
            "email": "a@mail.example",
        }
        for n, (first, last) in enumerate(zip(FIRST, LAST, strict=True))
    ]
    few, many = (compared(standardise(pl.DataFrame(rows[:count], schema=SCHEMA))) for count in (3, 10))
    assert (few["phone_std"].count(), few["email_std"].count()) == (3, 3)
    assert (many["phone_std"].count(), many["email_std"].count()) == (0, 0)


def test_households_are_scored_by_record_and_people_of_an_institution_are_each_their_own() -> None:
    """Two share a home; nine live in an institution at one address under nine names: no household of theirs is found."""
    couple = [("a", "Berg", "1 Elm St", "h1"), ("b", "Berg", "1 Elm St", "h1")]
    house = [(f"i{n}", last, "9 Oak St", "h2") for n, last in enumerate(LAST)]
    crowd = [(f"i{n}x", last, "9 Oak St", "h2") for n, last in enumerate(LAST)]
    rows = [*couple, *house, *crowd]
    records = standardise(
        pl.DataFrame(
            [
                {"record_key": key, "first_name": key, "last_name": last, "street": street, "city": "Rome"}
                for key, last, street, _ in rows
            ],
            schema=SCHEMA,
        )
    )
    alone = records.select("record_key", cluster_key="record_key")
    homes = pl.DataFrame({"record_key": [row[0] for row in rows], "home": [row[3] for row in rows]})
    score = household_score(records, alone, homes, records.select("record_key", true="record_key"))
    assert score.record_count == 22
    assert score.person_count == 21  # households: one, and twenty people of the institution
    assert score.pair_recall == 1


def test_blocking_counts_each_pair_once_and_the_true_ones_that_it_reaches() -> None:
    """By e-mail: ab. By phone: ab, cd. True: ab, ac, bc, de. Reached of these: ab only."""
    records = pl.DataFrame(
        {
            "record_key": ["a", "b", "c", "d", "e"],
            "email_std": ["x", "x", None, None, None],
            "phone_std": ["1", "1", "2", "2", None],
            "first_name_std": ["n"] * 5,
            "last_name_std": ["n"] * 5,
            "birth_date": [None] * 5,
        },
        schema_overrides={"birth_date": pl.Date},
    )
    truth = pl.DataFrame({"record_key": ["a", "b", "c", "d", "e"], "true": ["1", "1", "1", "2", "2"]})
    recall, pairs = blocking(records, truth, {"kind": "exact-keys-only"})
    assert recall == pytest.approx(1 / 4)
    assert pairs == 2


def test_fake_1000_is_resolved_without_configuration(shared_data: Path) -> None:
    path = shared_data / "identity" / "fake_1000.parquet"
    found = evaluate_file(path, id_="record_id", truth="true_id", say=quiet)
    assert (found.record_count, found.score.person_count) == (1_000, 251)
    assert found.score.pair_precision >= 0.98
    assert found.score.pair_f1 >= 0.76
    assert 0.6 <= found.blocking_recall <= 1
    assert found.not_used == []

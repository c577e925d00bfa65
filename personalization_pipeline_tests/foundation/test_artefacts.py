"""Trained models as text: which one a night uses, and that what it made is found again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.artefacts import Artefact, artefact, key_of, text_of
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import scratch_connection

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
Nights = Callable[..., Building]


@pytest.fixture
def nights(starter: Path) -> Iterator[Nights]:
    """`nights(yesterday=..., retrain=...)`: a night of the starter project that is just beginning."""
    connection = scratch_connection(threads=1)

    def begin(yesterday: Path | None = None, *, retrain: bool = False) -> Building:
        project = load_project(starter)
        tables = Catalogue(tables={}, computed={}, slots={})
        return Building(project, tables, datetime(2026, 7, 1), connection, yesterday=yesterday, retrain=retrain)

    yield begin
    connection.close()


def trained(slope: float) -> Callable[[], Artefact]:
    return lambda: {"kind": "line", "slope": slope}


def nobody_trains() -> Artefact:
    raise AssertionError("there was an artefact to use")


def committed(building: Building, name: str) -> Path:
    """The folder of a committed night whose record names the artefacts of `building`."""
    folder: Path = building.project.store / "nights" / name
    folder.mkdir(parents=True)
    keys = {known: key_of(content) for known, content in building.artefacts.items()}
    (folder / "night.json").write_text(json.dumps({"artefacts": keys}), encoding="utf-8")
    return folder


def pin(starter: Path, content: str) -> None:
    (starter / "artefacts").mkdir()
    (starter / "artefacts" / "line.json").write_text(content, encoding="utf-8")
    settings = starter / "project.yaml"
    text = settings.read_text(encoding="utf-8") + "artefacts: {line: artefacts/line.json}\n"
    settings.write_text(text, encoding="utf-8")


def test_the_first_night_trains_and_keeps_what_it_made_under_the_hash_of_its_text(nights: Nights) -> None:
    building = nights()
    made = artefact(building, "line", trained(2))
    kept = building.project.store / "artefacts" / f"line-{key_of(made)}.json"
    assert made == {"kind": "line", "slope": 2}
    assert kept.read_text(encoding="utf-8") == text_of(made)


def test_a_night_trains_once_however_often_it_is_asked(nights: Nights) -> None:
    building = nights()
    assert artefact(building, "line", trained(2)) is artefact(building, "line", nobody_trains)


def test_the_next_night_uses_what_yesterday_used(nights: Nights) -> None:
    first = nights()
    artefact(first, "line", trained(2))
    second = nights(committed(first, "first"))
    assert artefact(second, "line", nobody_trains) == {"kind": "line", "slope": 2}


def test_an_artefact_that_yesterday_used_and_that_is_lost_is_not_trained_anew_in_silence(nights: Nights) -> None:
    first = nights()
    made = artefact(first, "line", trained(2))
    second = nights(committed(first, "first"))
    (first.project.store / "artefacts" / f"line-{key_of(made)}.json").unlink()
    with pytest.raises(ProjectError, match="run --train"):
        artefact(second, "line", trained(3))


def test_an_artefact_that_yesterday_did_not_have_is_trained(nights: Nights) -> None:
    first = nights()
    artefact(first, "line", trained(2))
    second = nights(committed(first, "first"))
    assert artefact(second, "curve", trained(3)) == {"kind": "line", "slope": 3}


def test_training_anew_forgets_yesterday_and_leaves_its_artefact_where_it_was(nights: Nights) -> None:
    first = nights()
    before = artefact(first, "line", trained(2))
    second = nights(committed(first, "first"), retrain=True)
    after = artefact(second, "line", trained(3))
    names = {path.name for path in (first.project.store / "artefacts").iterdir()}
    assert after == {"kind": "line", "slope": 3}
    assert names == {f"line-{key_of(before)}.json", f"line-{key_of(after)}.json"}


def test_what_the_project_pins_comes_before_what_yesterday_used(nights: Nights, starter: Path) -> None:
    first = nights()
    artefact(first, "line", trained(2))
    yesterday = committed(first, "first")
    pin(starter, '{"kind": "line", "slope": 5}')
    assert artefact(nights(yesterday), "line", nobody_trains)["slope"] == 5
    assert artefact(nights(yesterday, retrain=True), "line", trained(7))["slope"] == 7


@pytest.mark.parametrize("content", ["", "slope: 5", "[]", "{}", '"line"', '{"kind": "line"'])
def test_a_pinned_file_that_is_no_artefact_is_told_and_nothing_is_trained_instead(
    nights: Nights, starter: Path, content: str
) -> None:
    pin(starter, content)
    with pytest.raises(ProjectError, match=r"line\.json: is no artefact\nFix: .*personalize run --train"):
        artefact(nights(), "line", nobody_trains)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_an_artefact_is_read_back_as_it_was_written(content: Artefact) -> None:
    assert json.loads(text_of(content)) == content
    assert text_of(json.loads(text_of(content))) == text_of(content)


def test_the_order_of_keys_makes_no_difference_and_a_number_does() -> None:
    assert key_of({"a": 1, "b": {"c": 2, "d": 3}}) == key_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert key_of({"a": 1.0}) != key_of({"a": 1.0000001})
    assert len(key_of({})) == 16

"""Which records may be with others tonight than yesterday, by hand: each reason that there is, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.resolve.unsettled import _unsettled
from personalization_pipeline_tests.conftest import HandMade

CUT = 1_500
# Yesterday: two records, three, one, and two that were parted from too many others by a higher cut.
YESTERDAY = [
    *((key, "a1", CUT, None, "rules") for key in ("a1", "a2")),
    *((key, "b1", CUT, 7, "rules") for key in ("b1", "b2", "b3")),
    ("c1", "c1", CUT, None, "rules"),
    *((key, "d1", CUT + 2_000, None, "rules") for key in ("d1", "d2")),
]
KNOWN = {key for key, *_ in YESTERDAY}
Rows = list[tuple[Any, ...]]


@pytest.mark.parametrize(
    ("news", "here", "expected"),
    [
        pytest.param({}, "", "", id="nothing is new"),
        pytest.param({"computed.changed_records": [("b2",)]}, "", "b1 b2 b3", id="a record has changed"),
        pytest.param({"computed.changed_records": [("a2",)]}, "-a2", "a1 a2", id="a record is gone"),
        pytest.param({}, "n1", "n1", id="a record is new"),
        pytest.param({"computed.open_keys": [("c1", "email")]}, "", "c1", id="an exact key may hold no more"),
        pytest.param(
            {"computed.changed_records": [("x1",)], "edges": [("c1", "x1", "splink", CUT)]}, "x1", "c1 x1",
            id="an edge to a new record",
        ),
        pytest.param(
            {"computed.changed_records": [("a0",)], "edges": [("a0", "b3", "key", 0)]}, "a0", "a0 b1 b2 b3",
            id="a key of a new record, whatever it weighs",
        ),
        pytest.param(
            {"computed.changed_records": [("x1",)], "edges": [("c1", "x1", "splink", CUT - 1)]}, "x1", "x1",
            id="an edge that holds nothing",
        ),
        pytest.param({"edges": [("a1", "b1", "splink", 9_000)]}, "", "", id="an old edge"),
        pytest.param({"edges": [("a2", "c1", "never", -9_000)]}, "", "a1 a2 c1", id="people's word"),
        pytest.param({"yesterday.edges": [("a2", "c1", "same", 9_000)]}, "", "a1 a2 c1", id="a word taken back"),
    ],
)  # fmt: skip
def test_unsettled_is_whoever_something_happened_to_with_all_that_hung_together_with_her(
    by_hand: HandMade, news: dict[str, Rows], here: str, expected: str
) -> None:
    columns = {"computed.changed_records": "record_key", "computed.open_keys": "record_key, kind"}
    for name, rows in news.items():
        by_hand.put(name, columns.get(name, "record_key_l, record_key_r, kind, weight"), *rows)
    assert unsettled(by_hand, here, "rules") == {*expected.split(), "d1", "d2"}, (
        "d: what parted them is looked at again"
    )


def test_under_other_rules_everybody_is_unsettled(by_hand: HandMade) -> None:
    assert unsettled(by_hand, "n1", "other rules") == KNOWN | {"n1"}


def unsettled(by_hand: HandMade, here: str, rules: str) -> set[str]:
    """The record keys of that night; `here` is a record that is new, or -gone."""
    by_hand.put("yesterday.clusters", "record_key, cluster_key, component_cut, component_digest, rules_key", *YESTERDAY)
    tonight = KNOWN - {here.removeprefix("-")} if here.startswith("-") else KNOWN | set(here.split())
    by_hand.put("standardised", "record_key", *((key,) for key in sorted(tonight)))
    return {key for (key,) in query(by_hand.connection, _unsettled(rules, CUT))}

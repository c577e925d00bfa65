"""A condition as it is run answers as the one that the artefact keeps."""

from __future__ import annotations

from itertools import product

import polars as pl

from personalization_pipeline.foundation.warehouse import query, scratch_connection
from personalization_pipeline.resolve.comparisons import ALIKE_TOWNS, comparisons
from personalization_pipeline.resolve.quick_conditions import quick
from personalization_pipeline_tests.resolve.conftest import Learned

SLIP = "damerau_levenshtein(CAST(value_l AS VARCHAR), value_r) <= 1"


def test_a_slip_is_one_however_it_is_asked_for() -> None:
    """Every two of all words of up to five letters, one of which takes two bytes, and of no word at all."""
    words = [None, *("".join(letters) for length in range(6) for letters in product("abé", repeat=length))]
    connection = scratch_connection()
    connection.register("words", pl.DataFrame({"word": words}))
    pairs = "(SELECT l.word AS value_l, r.word AS value_r FROM words AS l CROSS JOIN words AS r)"
    ((slips, wrong),) = query(
        connection,
        f"SELECT count_if({SLIP}), count_if(({SLIP}) IS DISTINCT FROM ({quick(SLIP)})) FROM {pairs}",
    )
    connection.close()
    assert slips > 5 * len(words)
    assert wrong == 0


def test_every_distance_that_the_model_asks_for_is_asked_quickly(learned: Learned) -> None:
    made = comparisons(learned.standardised, by_chance=False)
    said = [level["sql_condition"] for comparison in made for level in comparison["comparison_levels"]]
    slips = [quick(condition) for condition in [*said, *ALIKE_TOWNS.values()] if "damerau_levenshtein" in condition]
    assert len(slips) > 6
    assert all(condition.count("damerau_levenshtein") == condition.count("hamming") for condition in slips)


def test_what_asks_for_no_slip_is_run_as_it_is_said() -> None:
    for condition in ("jaro_winkler_similarity(a_l, a_r) >= 0.8", "damerau_levenshtein(a_l, a_r) <= 2", "ELSE"):
        assert quick(condition) == condition

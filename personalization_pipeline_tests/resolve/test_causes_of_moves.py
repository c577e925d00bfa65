"""The record that person_history names as the cause of a move, by hand: hers, or else one that hangs together with her."""

from __future__ import annotations

from personalization_pipeline_tests.conftest import HandMade


def history(
    by_hand: HandMade, before: dict[str, str], now: dict[str, str], components: dict[str, int]
) -> dict[str, str]:
    """Record -> person, of two nights; record -> component tonight. Gives person -> cause of what happened to her."""
    by_hand.tonight("2026-02-02 01:00:00")
    by_hand.put(
        "yesterday.records", "record_key, person_id, founded_at", *((*pair, "2026-02-01") for pair in before.items())
    )
    by_hand.put("computed.changed_contacts", "record_key", *((key,) for key in now.keys() - before.keys()))
    by_hand.put("records", "record_key, person_id, founded_at", *((*pair, "2026-02-01") for pair in now.items()))
    by_hand.put(
        "clusters",
        "record_key, cluster_key, component_digest",
        *((key, person, components.get(key)) for key, person in now.items()),
    )
    return {str(person): cause for person, cause in by_hand.make("person_history", "person_id, record_key")}


def test_a_split_without_a_new_record_on_either_side_names_the_one_that_pulled_a_third_away(by_hand: HandMade) -> None:
    """x joined c, so that nothing holds a and b together any more."""
    one_component = dict.fromkeys("abcx", 1)
    found = history(by_hand, dict.fromkeys("abc", "p"), {"a": "p", "b": "q", "c": "r", "x": "r"}, one_component)
    assert found == {"p": "x", "q": "x", "r": "x"}


def test_news_in_another_component_are_no_cause(by_hand: HandMade) -> None:
    found = history(by_hand, {"a": "p", "b": "p"}, {"a": "p", "b": "q", "x": "r"}, {"x": 1})
    assert found == {"p": None, "q": None, "r": "x"}

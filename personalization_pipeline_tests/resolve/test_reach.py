"""What becomes of consent when records become one person: each address answers for itself, and no merge says yes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline_tests.conftest import HandMade

FLAGS = ("is_reachable_email", "is_reachable_sms", "is_reachable_ads", "is_profiling_allowed")
RECORDS = ("crm:1", "crm:2", "shop:1", "shop:2")
Word = tuple[str, str, str, str, str, int]

WORDS = st.lists(
    st.tuples(
        st.sampled_from(RECORDS),
        st.sampled_from(("email", "phone", "record")),
        st.sampled_from(("marketing", "ads_personalization", "profiling")),
        st.sampled_from(("email", "sms", "ads", "any")),
        st.sampled_from(("granted", "refused")),
        st.integers(1, 6),
    ),
    max_size=10,
    unique_by=lambda word: word[:4],
)


def reach(by_hand: HandMade, words: list[Word], people: dict[str, str]) -> dict[str, dict[str, bool]]:
    """The flags of each person, of whom `people` (record -> person) are the records; words as in consent_state."""
    addresses = [
        (who, key, kind, f"{kind}:{key}") for key, who in people.items() for kind in ("email", "phone", "record")
    ]
    state = [(f"{kind}:{key}", *said, f"2026-01-0{day}") for key, kind, *said, day in words]
    by_hand.put("people", "person_id, kind", *[(who, "known") for who in sorted(set(people.values()))])
    by_hand.put("identifiers", "person_id, record_key, address_kind, address", *addresses)
    by_hand.put("consent_state", "address, purpose, channel, status, decided_at", *state)
    rows = by_hand.make("reach", f"person_id, {', '.join(FLAGS)}")
    return {person: dict(zip(FLAGS, flags, strict=True)) for person, *flags in rows}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS, st.sets(st.sampled_from(RECORDS), min_size=1, max_size=3))
def test_a_merge_alone_never_adds_a_grant(by_hand: HandMade, words: list[Word], part: set[str]) -> None:
    """Whoever two people become may be reached as one of them could be, and no other way."""
    apart = reach(by_hand, words, {key: "p1" if key in part else "p2" for key in RECORDS})
    [merged] = reach(by_hand, words, dict.fromkeys(RECORDS, "p3")).values()
    for flag in FLAGS[:3]:
        assert merged[flag] == (apart["p1"][flag] or apart["p2"][flag])
    assert merged[FLAGS[3]] <= (apart["p1"][FLAGS[3]] or apart["p2"][FLAGS[3]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS)
def test_what_is_about_the_person_needs_a_grant_that_no_address_of_hers_has_refused_since(
    by_hand: HandMade, words: list[Word]
) -> None:
    [hers] = reach(by_hand, words, dict.fromkeys(RECORDS, "p1")).values()
    days = {
        status: [word[5] for word in words if word[2] == "profiling" and word[4] == status]
        for status in ("granted", "refused")
    }
    assert hers["is_profiling_allowed"] == (max(days["granted"], default=0) > max(days["refused"], default=0))


def test_of_two_people_who_are_one_the_later_no_counts_for_both(by_hand: HandMade) -> None:
    yes: Word = ("crm:1", "email", "profiling", "any", "granted", 1)
    no: Word = ("shop:1", "phone", "profiling", "any", "refused", 2)
    apart = reach(by_hand, [yes, no], {"crm:1": "p1", "shop:1": "p2"})
    assert apart["p1"]["is_profiling_allowed"]
    merged = reach(by_hand, [yes, no], {"crm:1": "p1", "shop:1": "p1"})
    assert not merged["p1"]["is_profiling_allowed"]
    same_day: Word = (*no[:5], 1)
    assert not reach(by_hand, [yes, same_day], {"crm:1": "p1", "shop:1": "p1"})["p1"]["is_profiling_allowed"]


def test_a_grant_for_one_channel_reaches_no_address_of_another(by_hand: HandMade) -> None:
    granted: Word = ("crm:1", "email", "marketing", "any", "granted", 1)
    [hers] = reach(by_hand, [granted], dict.fromkeys(RECORDS, "p1")).values()
    assert hers == {flag: flag == "is_reachable_email" for flag in FLAGS}

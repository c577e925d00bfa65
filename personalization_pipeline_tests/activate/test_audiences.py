"""Who of an audience is delivered: the waterfall, the consent gate against an oracle of its own, and the holdout.

The gate is asked as the night asks it: words of consent -> `consent_state` -> `member_addresses` -> `audience_waterfall`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import HandMade

WORD = "record_key, address_kind, address, brand, purpose, channel, status, decided_at, expires_at, basis"
NIGHT = 10  # the day of January on which the night is built; a word of that day was said before it
Needed = list[tuple[str, str]]


@dataclass(frozen=True)
class Word:
    """What was said about an address; days of January."""

    address: str
    status: str = "granted"
    day: int = 1
    brand: str = ""
    purpose: str = "marketing"
    channel: str = "email"
    until: int | None = None
    basis: str = "consent"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HandMade]:
    """Shared by the examples of this module: each writes every relation anew."""
    folder = tmp_path_factory.mktemp("gate") / "shop"
    start_project(folder)
    text = (folder / "project.yaml").read_text(encoding="utf-8")
    (folder / "project.yaml").write_text(re.sub("salt: [0-9a-f]+", "salt: always-the-same", text), encoding="utf-8")
    made = HandMade(folder)
    made.tonight(f"2026-01-{NIGHT} 23:00:00")
    yield made
    made.connection.close()


def deliver(
    gate: HandMade,
    people: dict[str, str],
    words: list[Word],
    needed: Needed,
    *,
    arms: dict[str, str] | None = None,
    use_holdout: bool = True,
    brand: str = "",
    unmatchable: list[tuple[str, str]] | None = None,
) -> dict[str, str]:
    """Outcome by person. `people`: person -> her e-mail addresses, by a space; each address is a record of its own."""
    records = [
        (f"crm:{person}/{place}", person, address)
        for person, said in people.items()
        for place, address in enumerate(said.split())
    ]
    records += [(f"crm:{person}/-", person, "") for person, said in people.items() if not said]
    purposes, channels = [purpose for purpose, _ in needed], [channel for _, channel in needed]
    plan = ("all", "mail", brand, ["email"], purposes, channels, use_holdout)
    gate.put("audience_plans", "audience, destination, brand, address_kinds, purposes, channels, is_holdout_used", plan)
    gate.put("audience_candidates", "audience, person_id", *[("all", person) for person in people])
    gate.put("records", "record_key, person_id", *[record[:2] for record in records])
    found = [(person, key, "email", f"email:{address}", address) for key, person, address in records if address]
    found += [(person, key, "record", f"record:{key}", key) for key, person, _ in records]
    gate.put("identifiers", "person_id, record_key, address_kind, address, value", *found)
    spoken = {word.address for word in words}
    standard = [("email", address, "", f"email:{address}") for address in sorted(spoken)]
    gate.put("standard_addresses", "address_kind, address, country, standard_address", *standard)
    gate.put("consents", WORD, *[_row(word) for word in words])
    gate.put("holdout_arms", "record_key, arm", *[(key, (arms or {}).get(key, "treated")) for key, *_ in records])
    lost = [("all", "mail", person, reason) for person, reason in unmatchable or []]
    gate.put("computed.unmatchable", "audience, destination, person_id, reason", *lost)
    gate.make("consent_state")
    gate.make("member_addresses")
    outcomes = gate.make("audience_waterfall", "person_id, outcome")
    assert [person for person, _ in outcomes] == sorted(people), "each person stands in the waterfall once"
    assert gate.make("audience_members", "person_id") == [(p,) for p, outcome in outcomes if outcome == "delivered"]
    return dict(outcomes)


def _row(word: Word) -> tuple[object, ...]:
    until = f"2026-01-{word.until:02d}" if word.until else None
    said = (word.brand or None, word.purpose, word.channel, word.status, f"2026-01-{word.day:02d}", until, word.basis)
    return ("crm:someone", "email", word.address, *said)


def may_leave(address: str, words: list[Word], needed: Needed, brand: str = "") -> bool:
    """The oracle: in plain Python, from the words alone, brand by brand and channel by channel."""
    brands = {brand} if brand else {word.brand for word in words if word.brand} or {""}
    return all(
        all(_says_yes(address, words, brand, purpose, channel) for brand in brands) for purpose, channel in needed
    )


def _says_yes(address: str, words: list[Word], brand: str, purpose: str, channel: str) -> bool:
    about = [w for w in words if w.address == address and w.purpose == purpose and w.brand in (brand, "")]
    if channel != "any":
        about = [w for w in about if w.channel in (channel, "any")]
    verdicts = {
        (place, name): _latest(about, place, name) for place, name in {(word.brand, word.channel) for word in about}
    }
    return all(verdicts.values()) and any(name in (channel, "any") for _, name in verdicts)


def _latest(words: list[Word], brand: str, channel: str) -> bool:
    said = [word for word in words if (word.brand, word.channel) == (brand, channel)]
    own = [word for word in said if word.basis == "consent"]
    heard = [w for w in said if not (own and w.basis == "declared" and _is_live(w))]
    last = max(word.day for word in heard)
    return all(_is_live(word) for word in heard if word.day == last)


def _is_live(word: Word) -> bool:
    return word.status == "granted" and (word.until is None or word.until > NIGHT)


ADDRESSES = ("a@x", "b@x", "c@x")
PURPOSES = ("ads_sharing", "ads_personalization")
WORDS = st.lists(
    st.builds(
        Word,
        address=st.sampled_from(ADDRESSES),
        status=st.sampled_from(["granted", "granted", "granted", "refused", "pending"]),
        day=st.integers(1, 3),
        brand=st.sampled_from(["", "", "", "tea", "coffee"]),
        purpose=st.sampled_from(PURPOSES),
        channel=st.sampled_from(["ads", "ads", "any", "web"]),
        until=st.sampled_from([None, None, None, 9, NIGHT, NIGHT + 1]),
        basis=st.sampled_from(["consent", "consent", "declared"]),
    ),
    max_size=14,
)
PEOPLE = st.dictionaries(
    st.sampled_from(["p1", "p2", "p3"]),
    st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=2).map(" ".join),
    min_size=1,
)
NEEDED = st.sampled_from(
    [
        [("ads_sharing", "ads")],
        [(p, "ads") for p in PURPOSES],
        [("ads_sharing", "any")],
        [("ads_sharing", "ads"), ("ads_sharing", "web")],
    ]
)


@settings(max_examples=120, deadline=None)
@given(people=PEOPLE, words=WORDS, needed=NEEDED, brand=st.sampled_from(["", "", "tea", "coffee"]))
def test_an_address_leaves_if_and_only_if_the_latest_word_about_it_is_a_live_grant_of_everything(
    gate: HandMade, people: dict[str, str], words: list[Word], needed: Needed, brand: str
) -> None:
    outcomes = deliver(gate, people, words, needed, brand=brand)
    claimed: dict[str, str] = {}
    for person in sorted(people):
        for address in people[person].split():
            if may_leave(address, words, needed, brand):
                claimed.setdefault(address, person)
    assert {person for person, outcome in outcomes.items() if outcome == "delivered"} == set(claimed.values())
    leaving = gate.make("member_addresses", "address, person_id, is_first_to_claim")
    assert {address.removeprefix("email:"): person for address, person, is_first in leaving if is_first} == claimed


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, words=WORDS, needed=NEEDED)
def test_a_merge_alone_never_adds_a_grant(
    gate: HandMade, people: dict[str, str], words: list[Word], needed: Needed
) -> None:
    deliver(gate, people, words, needed)
    apart = gate.make("member_addresses", "DISTINCT address")
    everybody = " ".join(sorted({address for said in people.values() for address in said.split()}))
    deliver(gate, {"p1": everybody}, words, needed)
    assert gate.make("member_addresses", "DISTINCT address") == apart


MAIL: Needed = [("marketing", "email")]
TEA, COFFEE = Word("a@x", brand="tea"), Word("a@x", brand="coffee")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ([TEA], "delivered"),  # the only brand there is
        ([TEA, Word("b@x", brand="coffee", status="refused")], "no_consent"),  # the audience may be coffee's
        ([TEA, COFFEE], "delivered"),
        ([Word("a@x"), Word("b@x", brand="coffee")], "delivered"),  # a grant without a brand is one for all
        ([Word("a@x"), TEA, Word("a@x", brand="coffee", status="refused")], "no_consent"),
        ([TEA, Word("a@x", status="refused")], "no_consent"),
        ([TEA, Word("a@x", brand="coffee", channel="any")], "delivered"),
    ],
)
def test_consent_for_one_brand_is_none_for_another(gate: HandMade, words: list[Word], outcome: str) -> None:
    assert deliver(gate, {"p1": "a@x"}, words, MAIL) == {"p1": outcome}


def test_an_audience_of_one_brand_asks_for_no_consent_of_another(gate: HandMade) -> None:
    words = [TEA, Word("a@x", brand="coffee", status="refused")]
    assert deliver(gate, {"p1": "a@x"}, words, MAIL, brand="tea") == {"p1": "delivered"}
    assert deliver(gate, {"p1": "a@x"}, words, MAIL, brand="coffee") == {"p1": "no_consent"}


def test_a_purpose_that_is_asked_on_two_channels_needs_both(gate: HandMade) -> None:
    both: Needed = [("marketing", "email"), ("marketing", "sms")]
    mail = Word("a@x")
    assert deliver(gate, {"p1": "a@x"}, [mail], both) == {"p1": "no_consent"}
    assert deliver(gate, {"p1": "a@x"}, [mail, Word("a@x", channel="sms")], both) == {"p1": "delivered"}
    assert deliver(gate, {"p1": "a@x"}, [mail, Word("a@x", channel="any", status="refused")], MAIL) == {
        "p1": "no_consent"
    }


def test_everybody_who_qualifies_is_dropped_once_for_the_first_reason_or_delivered(gate: HandMade) -> None:
    people = {"p1": "", "p2": "b@x", "p3": "c@x", "p4": "c@x", "p5": "e@x", "p6": "f@x", "p7": "g@x", "p8": "h@x i@x"}
    outcomes = deliver(
        gate,
        people,
        [Word(address) for address in ("c@x", "e@x", "f@x", "g@x", "h@x")],
        MAIL,
        arms={"crm:p5/0": "holdout"},
        unmatchable=[("p6", "email_malformed"), ("p7", "audience_too_small")],
    )
    assert outcomes == {
        "p1": "no_address",
        "p2": "no_consent",
        "p3": "delivered",
        "p4": "duplicate_address",
        "p5": "holdout",
        "p6": "not_matchable",
        "p7": "audience_too_small",
        "p8": "delivered",
    }
    assert gate.make("member_addresses", "address")[-1] == ("email:h@x",), "the address without consent stays here"


def test_an_address_of_somebody_held_out_goes_to_nobody_else(gate: HandMade) -> None:
    shared = {"p1": "a@x", "p2": "a@x", "p3": "a@x b@x"}
    found = deliver(gate, shared, [Word("a@x"), Word("b@x")], MAIL, arms={"crm:p1/0": "holdout"})
    assert found == {"p1": "holdout", "p2": "duplicate_address", "p3": "delivered"}


def test_whoever_was_merged_from_two_arms_is_not_delivered_as_if_treated(gate: HandMade) -> None:
    """Her arms are those of her records: with both she is contaminated, and stays out for as long as one is held out."""
    arms = {"crm:p1/0": "treated", "crm:p1/1": "holdout"}
    both = {"p1": "a@x b@x"}
    words = [Word("a@x"), Word("b@x")]
    assert deliver(gate, both, words, MAIL, arms=arms) == {"p1": "holdout"}
    assert deliver(gate, both, words, MAIL, arms=arms, use_holdout=False) == {"p1": "delivered"}
    apart = {"p1": "a@x", "p2": "b@x"}  # after the merge is undone each record has the arm that it always had
    arms = {"crm:p1/0": "treated", "crm:p2/0": "holdout"}
    assert deliver(gate, apart, words, MAIL, arms=arms) == {"p1": "delivered", "p2": "holdout"}


def arms(gate: HandMade, before: dict[str, str], people: dict[str, str]) -> dict[str, str]:
    """Arm by record; `people`: record -> person."""
    gate.put("yesterday.holdout_arms", "record_key, arm", *before.items())
    gate.put("records", "record_key, person_id", *people.items())
    return dict(gate.make("holdout_arms", "record_key, arm"))


def hashed(gate: HandMade, key: str) -> str:
    """The arm of a new person whose smallest record key this is, computed apart."""
    holdout = gate.building.project.settings.holdout
    digest = hashlib.md5(f"{holdout.salt}{key}".encode()).hexdigest()
    return "holdout" if int(digest[:8], 16) / 2**32 < holdout.share else "treated"


def test_about_the_share_of_new_people_is_held_out_by_a_hash_of_the_smallest_record_key(gate: HandMade) -> None:
    people = {f"{source}:{k}": f"p{k}" for k in range(2000) for source in ("crm", "shop")}
    found = arms(gate, {}, people)
    assert found == {key: hashed(gate, f"crm:{person[1:]}") for key, person in people.items()}
    # A twentieth of 2,000 people, give or take three standard deviations of 10.
    assert 70 <= sum(arm == "holdout" for key, arm in found.items() if key.startswith("crm")) <= 130


def test_an_arm_is_for_ever_and_a_new_record_takes_the_arm_of_the_person_it_joins(gate: HandMade) -> None:
    treated, held = [next(k for k in map(str, range(500)) if hashed(gate, k) == arm) for arm in ("treated", "holdout")]
    before = {held: "treated", treated: "holdout"}  # the other way round than a hash would have it
    people = {held: "p1", treated: "p2", "new1": "p1", "new2": "p2"}
    assert arms(gate, before, people) == before | {"new1": "treated", "new2": "holdout"}
    merged = dict.fromkeys([held, treated, "new"], "p1")
    assert arms(gate, before, merged) == before | {"new": "holdout"}

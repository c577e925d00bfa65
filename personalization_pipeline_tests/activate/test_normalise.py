"""What each destination wants of a value, pinned by the vectors that its vendor published."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.activate.normalise import NORMALISERS, Refusal, judge, normalise
from personalization_pipeline.activate.render import HASHES

# Google's library puts a plus before any digits. Without a country we refuse: the same digits are somebody else's
# number in another country. (vector -> why it is refused, and the country with which it gives what Google expects)
REFUSED_VECTORS = {
    ("phone", "1-800-555-0100   "): ("no plus and no country: 1 may be a country code or a first digit", "US"),
    ("phone", "1 800 555 0100"): ("no plus and no country: 1 may be a country code or a first digit", "US"),
    ("phone", "18005550100"): ("no plus and no country: 1 may be a country code or a first digit", "US"),
    ("phone", "441134960987"): ("no plus and no country: 44 may be a country code or an area code", "GB"),
}
FIELD_NAMES = {"region_code": "country"}


def google_vectors(shared_data: Path) -> list[dict[str, str]]:
    vectors = json.loads((shared_data.parent / "vectors" / "activation_vectors.json").read_text())
    found = [v for v in vectors["hash_vectors"] + vectors["normalisation_vectors"] if v["dest"] == "google"]
    assert len(found) == 27
    return found


def test_every_google_vector_passes_or_is_refused_for_a_written_reason(shared_data: Path) -> None:
    for vector in google_vectors(shared_data):
        kind = f"google.{FIELD_NAMES.get(vector['field'], vector['field'])}"
        _, country = REFUSED_VECTORS.get((vector["field"], vector["input"]), ("", None))
        if country:
            assert judge(kind, vector["input"]) is Refusal.PHONE_WITHOUT_COUNTRY
        found = normalise(kind, vector["input"], country)
        assert found == vector["normalized"], vector
        if "expected" in vector:
            assert found is not None
            digest = HASHES["sha256_hex"](found)
            as_base64 = base64.b64encode(bytes.fromhex(digest)).decode()
            assert vector["expected"] == (digest if vector["encoding"] == "hex" else as_base64), vector


def test_no_refused_vector_is_forgotten_in_the_vectors(shared_data: Path) -> None:
    assert REFUSED_VECTORS.keys() <= {(v["field"], v["input"]) for v in google_vectors(shared_data)}


@pytest.mark.parametrize(
    ("kind", "value", "country", "expected"),
    [
        ("google.email", "cloudy.sanfrancisco+shopping@gmail.com", None, "cloudysanfrancisco@gmail.com"),
        ("google.email", "user.name+NYC@Example.com", None, "user.name+nyc@example.com"),
        ("google.email", "Jo hn@ example.com", None, "john@example.com"),
        ("google.email", "Jane Doe <jane@example.com>", None, Refusal.EMAIL_MALFORMED),
        ("google.email", "+shop@gmail.com", None, Refusal.EMAIL_MALFORMED),
        ("google.email", "a@example.com;b@example.com", None, Refusal.EMAIL_MALFORMED),
        ("google.phone", "(800)555-0100", "us", "+18005550100"),
        ("google.phone", "+A BCD EFG ", None, Refusal.PHONE_MALFORMED),
        ("google.phone", "0171 2345678", "DE", "+491712345678"),
        ("google.phone", "+49 (0)171 2345678", None, "+491712345678"),
        ("google.phone", "0171 2345678", None, Refusal.PHONE_WITHOUT_COUNTRY),
        ("google.phone", "0171 2345678", "Germany", Refusal.PHONE_WITHOUT_COUNTRY),
        ("google.phone", "+0171234567", None, Refusal.PHONE_MALFORMED),
        ("google.phone", "555-0100", "US", Refusal.PHONE_MALFORMED),
        ("google.first_name", "Dr. María José", None, "maríajosé"),
        ("google.first_name", "Mrs.", None, "mrs."),
        ("google.last_name", "  Smith, Jr. ", None, "smith"),
        ("google.last_name", "O'Connor", None, "o'connor"),
        ("google.last_name", "STRAẞE", None, "straße"),
        ("google.last_name", "...", None, Refusal.NAME_MALFORMED),
        ("google.country", "UK", None, Refusal.COUNTRY_NOT_ISO),
        ("google.country", "Germany", None, Refusal.COUNTRY_NOT_ISO),
        ("google.postal_code", "WC2H 8LG", "GB", "WC2H 8LG"),
        ("google.postal_code", "94016-1234", "US", "94016-1234"),
        ("google.postal_code", "2139", "US", Refusal.POSTAL_CODE_MALFORMED),
        ("google.postal_code", "=1+2", "DE", Refusal.POSTAL_CODE_MALFORMED),
        ("generic.email", " Jane+Shop@Gmail.com ", None, "jane+shop@gmail.com"),
        ("generic.email", "ja ne@example.com", None, Refusal.EMAIL_MALFORMED),
        ("generic.first_name", "María José", None, "María José"),
        ("generic.last_name", "=HYPERLINK(1)", None, Refusal.NAME_MALFORMED),
        ("generic.external_id", " -17 ", None, "-17"),
    ],
)
def test_our_rule_where_the_vendor_is_silent_or_contradicts_itself(
    kind: str, value: str, country: str | None, expected: str | Refusal
) -> None:
    assert judge(kind, value, country) == expected


@pytest.mark.parametrize("kind", ["google.email", "google.phone", "google.first_name", "google.last_name"])
@pytest.mark.parametrize("digest", ["a" * 64, "A0" * 32, "d41d8cd98f00b204e9800998ecf8427e", "A" * 43 + "="])
def test_a_value_that_is_a_hash_already_is_never_hashed_again(kind: str, digest: str) -> None:
    assert judge(kind, f" {digest} ") is Refusal.ALREADY_HASHED


def test_decomposed_and_composed_accents_are_one_name() -> None:
    assert normalise("google.first_name", "Zoe\u0308") == normalise("google.first_name", "ZO\u00cb") == "zo\u00eb"


@given(st.sampled_from(sorted(NORMALISERS)), st.text(), st.sampled_from([None, "DE", "us", "??"]))
def test_any_text_becomes_a_value_with_content_or_nothing(kind: str, text: str, country: str | None) -> None:
    found = normalise(kind, text, country)
    assert found is None or found.strip()
    assert (judge(kind, text, country) is None) == (not text.strip())


@given(st.sampled_from(sorted(NORMALISERS)), st.text(), st.sampled_from([None, "DE", "us"]))
def test_a_normalised_value_stays_as_it_is(kind: str, text: str, country: str | None) -> None:
    once = normalise(kind, text, country)
    assert once is None or normalise(kind, once, country) in (once, None)

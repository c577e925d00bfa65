"""The certificate beside a file: what it promises, and that no byte of either can change unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.activate.certificate import Origin, certify, verify
from personalization_pipeline.activate.formats import Format
from personalization_pipeline.activate.manifest import (
    Consent,
    Grants,
    Waterfall,
    canonical,
    manifest_bytes,
    manifest_path,
)
from personalization_pipeline.activate.render import render
from personalization_pipeline.foundation.errors import GateRefused, MissingArgument, ProofFailed
from personalization_pipeline.foundation.keys import SigningKey, create_keys, load_signing_key
from personalization_pipeline_tests.activate.rendering import members, spreadsheet

FORMAT = spreadsheet()
RENDERED = render(
    FORMAT,
    members(
        {"person_id": "p1", "external_id": "1", "email": "eins@example.com"},
        {"person_id": "p2", "external_id": 'zw"ei\n', "email": "zwei@example.com"},
        {"person_id": "p2", "external_id": "2", "email": "deux@example.com"},
    ),
)
DROPPED = [("erased", 1), ("no_consent", 3), ("no_address", 0), ("holdout", 2)]
ORIGIN = Origin("win_back", "ab" * 32, "20261120T020000Z-r1", datetime(2026, 11, 20, 2))
FALL = Waterfall.of(8, DROPPED, 2)
DEMO_KEY = load_signing_key(Path("nowhere"), is_demo=True)


def consent(given: int = 1, declared: int = 1, missing: int = 0, purpose: str = "marketing") -> Consent:
    grants = Grants(consent=given, declared=declared, missing=missing)
    return Consent(snapshot="cd" * 32, purposes={purpose: grants})


ALL_GRANTED = consent()


def issue(
    key: SigningKey = DEMO_KEY,
    waterfall: Waterfall = FALL,
    consent: Consent = ALL_GRANTED,
    erased_found: int = 0,
    format: Format = FORMAT,
) -> dict[str, Any]:
    return certify(RENDERED.content, "win_back.csv", format, ORIGIN, waterfall, consent, erased_found, key)


def put(folder: Path, content: bytes, manifest: bytes) -> Path:
    file = folder / "win_back.csv"
    file.write_bytes(content)
    manifest_path(file).write_bytes(manifest)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property; each writes both files anew."""
    return tmp_path_factory.mktemp("proof")


def test_a_file_and_its_certificate_prove_each_other(folder: Path) -> None:
    file = put(folder, RENDERED.content, manifest_bytes(issue()))
    findings = [f"{verdict.check}: {verdict.finding}" for verdict in verify(file)]
    assert findings[1:5] == [
        f"content: {len(RENDERED.content)} bytes, 3 rows, id, email",
        "waterfall: 8 qualified, 2 delivered, each step adds up",
        "consent: marketing: 1 given, 1 declared, 0 without",
        "erasure: 0 erased addresses",
    ]


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert manifest_bytes(issue()) == manifest_bytes(issue())


@given(st.integers(0, len(RENDERED.content) - 1), st.integers(1, 255))
def test_one_changed_byte_of_the_file_is_found(folder: Path, position: int, change: int) -> None:
    content = bytearray(RENDERED.content)
    content[position] ^= change
    with pytest.raises(ProofFailed, match="sha256"):
        verify(put(folder, bytes(content), manifest_bytes(issue())))


@given(st.integers(0, len(manifest_bytes(issue())) - 1), st.integers(1, 255))
def test_one_changed_byte_of_the_certificate_is_found(folder: Path, position: int, change: int) -> None:
    manifest = bytearray(manifest_bytes(issue()))
    manifest[position] ^= change
    with pytest.raises(ProofFailed):
        verify(put(folder, RENDERED.content, bytes(manifest)))


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_shortened_file_or_certificate_is_found(folder: Path, cut: int) -> None:
    whole = manifest_bytes(issue())
    with pytest.raises(ProofFailed, match=f"bytes: .* the file {len(RENDERED.content[:cut])}"):
        verify(put(folder, RENDERED.content[:cut], whole))
    with pytest.raises(ProofFailed):
        verify(put(folder, RENDERED.content, whole[:cut]))


@pytest.mark.parametrize("manifest", [b"", b"null", b"[]", b"{}", b"\xff", b'{"signature": "\\ud800"}', b"[" * 9999])
def test_what_is_no_certificate_is_refused_in_words(folder: Path, manifest: bytes) -> None:
    with pytest.raises(ProofFailed, match="is not a certificate"):
        verify(put(folder, RENDERED.content, manifest))


def test_a_file_without_certificate_and_a_certificate_without_file_are_told_apart(tmp_path: Path) -> None:
    file = put(tmp_path, RENDERED.content, b"")
    manifest_path(file).unlink()
    with pytest.raises(ProofFailed, match="no certificate"):
        verify(file)
    with pytest.raises(MissingArgument):
        verify(tmp_path / "another.csv")


def sign_again(change: Callable[[dict[str, Any]], object]) -> bytes:
    """What a forger does who has the key, or the demo's: change something and sign it."""
    manifest = issue()
    manifest.pop("signature")
    change(manifest)
    return manifest_bytes(manifest | {"signature": DEMO_KEY.sign(canonical(manifest))})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["waterfall"]["steps"][1].update(dropped=2), "waterfall: 7 - 2"),
        (lambda m: m["waterfall"]["steps"][2].update(dropped=-1, left=5), "waterfall: 4 - -1"),
        (lambda m: m["waterfall"].update(qualified=9), "waterfall: 9 - 1"),
        (lambda m: m["waterfall"].update(delivered=3), "waterfall: 2 are left, 3 delivered"),
        (lambda m: m["consent"]["purposes"]["marketing"].update(missing=1, declared=0), "1 delivered without a grant"),
        (lambda m: m["consent"]["purposes"]["marketing"].update(consent=2), "counts for marketing"),
        (lambda m: m["consent"].update(purposes={}), "no purpose"),
        (lambda m: m.update(erased_found=1), "1 erased"),
        (lambda m: m.update(min_audience=3), "at least 3"),
        (lambda m: m.update(max_rows=2), "at most 2"),
        (lambda m: m["content"].update(rows=4), "rows: the certificate says 4, the file 3"),
        (lambda m: m["content"].update(header=["id", "phone"]), "header: not the one"),
        (lambda m: m["content"].update(filled={"id": 3, "email": 2}), "filled: not as many"),
        (lambda m: m["content"].update(name="other.csv"), "name"),
        (lambda m: m["content"].update(delimiter=",,"), "cannot be read"),
        (lambda m: m.update(public_key="00" * 32), "signature"),
        (lambda m: m.update(night=7), "is not a certificate"),
        (lambda m: m.update(more=1), "is not a certificate"),
        (lambda m: m.pop("consent"), "is not a certificate"),
    ],
)
def test_a_lie_is_found_even_if_it_is_signed(
    folder: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(ProofFailed) as failed:
        verify(put(folder, RENDERED.content, sign_again(change)))
    assert told in str(failed.value)


def test_the_same_certificate_in_another_spelling_is_refused(folder: Path) -> None:
    compact = json.dumps(issue(), sort_keys=True).encode()
    with pytest.raises(ProofFailed, match="not written as a certificate is"):
        verify(put(folder, RENDERED.content, compact))


def test_only_a_trusted_key_counts_where_one_is_given(tmp_path: Path) -> None:
    ours, theirs = create_keys(tmp_path / "ours"), create_keys(tmp_path / "theirs")
    file = put(tmp_path, RENDERED.content, manifest_bytes(issue(key=ours)))
    assert verify(file, trusted_key=f"{ours.public}\n")[-1].finding.endswith("the trusted key")
    assert ours.public in verify(file)[-1].finding
    with pytest.raises(ProofFailed, match="not the trusted one"):
        verify(file, trusted_key=theirs.public)


def test_the_demo_key_is_called_public(folder: Path) -> None:
    file = put(folder, RENDERED.content, manifest_bytes(issue()))
    assert "public demo key" in verify(file)[-1].finding


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"consent": consent(given=1, declared=0, missing=1)}, "1 delivered without a grant for marketing"),
        ({"consent": consent(purpose="profiling")}, "marketing was not counted"),
        ({"waterfall": Waterfall.of(8, DROPPED, 3)}, "2 are left, 3 delivered"),
        ({"waterfall": Waterfall.of(5, DROPPED, 0)}, "0 people cannot fill 3 rows"),
        ({"erased_found": 2}, "2 erased"),
        ({"format": spreadsheet(min_audience=3)}, "at least 3 needed"),
        ({"format": spreadsheet(max_rows=2)}, "at most 2 taken"),
    ],
)
def test_a_lie_is_never_signed(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(GateRefused) as refused:
        issue(**changes)
    assert told in str(refused.value)


def test_no_message_and_no_certificate_holds_a_persons_data(folder: Path) -> None:
    manifest = manifest_bytes(issue())
    assert b"example.com" not in manifest
    headless = RENDERED.content.split(b"\r\n", 1)[1]
    with pytest.raises(ProofFailed) as failed:
        verify(put(folder, headless, manifest))
    assert "example.com" not in str(failed.value)


def test_verifying_starts_without_the_platform() -> None:
    code = (
        "import sys, personalization_pipeline.activate.certificate;"
        "print(sorted({'polars', 'duckdb', 'dagster', 'sqlglot', 'phonenumbers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

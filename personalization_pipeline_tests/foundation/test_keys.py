"""Signing keys: a pair per project, and a public one that only the demo may use."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.keys import (
    DEMO_KEYS,
    create_keys,
    demo_public_key,
    is_signed,
    load_signing_key,
)


def test_only_the_owner_may_read_a_new_private_key(tmp_path: Path) -> None:
    create_keys(tmp_path / ".keys")
    assert stat.S_IMODE((tmp_path / ".keys" / "signing.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".keys").stat().st_mode) == 0o700


def test_what_was_made_can_be_loaded_and_the_public_file_is_its_half(tmp_path: Path) -> None:
    made = create_keys(tmp_path)
    assert load_signing_key(tmp_path, is_demo=False).public == made.public
    assert (tmp_path / "signing.pub").read_text() == f"{made.public}\n"


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    create_keys(tmp_path)
    before = (tmp_path / "signing.pem").read_bytes()
    with pytest.raises(ProjectError, match="already"):
        create_keys(tmp_path)
    assert (tmp_path / "signing.pem").read_bytes() == before


def test_two_projects_never_get_the_same_key(tmp_path: Path) -> None:
    assert create_keys(tmp_path / "a").public != create_keys(tmp_path / "b").public


def test_a_project_that_is_not_the_demo_is_refused_the_demo_pair(tmp_path: Path) -> None:
    shutil.copy(DEMO_KEYS / "signing.pem", tmp_path)
    with pytest.raises(ProjectError, match="public"):
        load_signing_key(tmp_path, is_demo=False)


def test_the_demo_signs_with_the_shipped_pair(tmp_path: Path) -> None:
    assert load_signing_key(tmp_path, is_demo=True).public == demo_public_key()


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_missing_or_broken_key_is_told_with_its_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "signing.pem").write_bytes(content)
    with pytest.raises(ProjectError, match=r"signing\.pem"):
        load_signing_key(tmp_path, is_demo=False)


def test_a_signature_fits_one_content_one_key_and_one_spelling(tmp_path: Path) -> None:
    key, other = create_keys(tmp_path / "a"), create_keys(tmp_path / "b")
    signature = key.sign(b"content")
    assert is_signed(b"content", signature, key.public)
    assert key.sign(b"content") == signature
    assert not is_signed(b"Content", signature, key.public)
    assert not is_signed(b"content", signature, other.public)
    assert not is_signed(b"content", signature.upper(), key.public)
    assert not is_signed(b"content", f" {signature}", key.public)
    assert not is_signed(b"content", "no hex", key.public)


def test_the_key_of_rfc_8032_gives_its_published_signature(tmp_path: Path) -> None:
    """RFC 8032, section 7.1, test 2."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from personalization_pipeline.foundation.keys import SigningKey

    seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))
    assert key.public == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72") == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )

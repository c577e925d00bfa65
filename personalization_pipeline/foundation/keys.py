"""Keys with which the platform signs what it delivers: ed25519, one pair per project, and a public pair for the demo.

Belongs here: making, reading, signing, comparing. Does not belong here: what is signed (activate.certificate), and
where a project keeps its keys (foundation.project).

A folder of keys holds `signing.pem` (private, PKCS 8, mode 0600: whoever has it can sign in the project's name) and
`signing.pub` (the public key as 64 hex digits on one line: what receivers are given, and what every certificate names).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from personalization_pipeline.foundation import writes
from personalization_pipeline.foundation.errors import ProjectError

PRIVATE = "signing.pem"
PUBLIC = "signing.pub"
# Everybody has this pair: it lets the demo run at once and proves nothing.
DEMO_KEYS = Path(__file__).parents[1] / "demo" / "keys"


@dataclass(frozen=True)
class SigningKey:
    """A private key; `public` is its public half as 64 lower-case hex digits."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """128 lower-case hex digits; the same content always gets the same signature (RFC 8032)."""
        return self.private.sign(content).hex()


def create_keys(folder: Path) -> SigningKey:
    """Make a pair in `folder`. Raises ProjectError if there is one: a key is never replaced."""
    if (folder / PRIVATE).exists():
        raise ProjectError("there is a signing key already", fix="keep it, or move it away yourself", where=folder)
    key = SigningKey(Ed25519PrivateKey.generate())
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    writes.make_folder(folder, writes.Kind.PROJECT, mode=0o700)
    writes.write_text(folder / PUBLIC, f"{key.public}\n", writes.Kind.PROJECT)
    writes.write_bytes(folder / PRIVATE, pem, writes.Kind.PROJECT, mode=0o600)
    return key


def load_signing_key(folder: Path, is_demo: bool) -> SigningKey:
    """The project's key; the demo always signs with the public demo pair, and nobody else may.

    Raises ProjectError if there is no key, if the file is none, or if a project other than the demo uses the demo's.
    """
    if is_demo:
        return _read(DEMO_KEYS / PRIVATE)
    key = _read(folder / PRIVATE)
    if key.public == demo_public_key():
        raise ProjectError(
            "this is the demo's signing key, which is public: anybody could sign with it",
            fix=f"remove {PRIVATE} and {PUBLIC} here, then `personalize init` makes a pair of your own",
            where=folder / PRIVATE,
        )
    return key


def demo_public_key() -> str:
    """The public half of the demo pair: a certificate that names it proves nothing outside the demo."""
    return (DEMO_KEYS / PUBLIC).read_text(encoding="ascii").strip()


def is_signed(content: bytes, signature: str, public: str) -> bool:
    """Whether `signature` over `content` was made with the private half of `public` (both lower-case hex)."""
    try:
        raw, key = bytes.fromhex(signature), Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(raw, content)
    except (ValueError, InvalidSignature):
        return False
    # fromhex also reads capitals and blanks; only one way of writing a signature counts.
    return raw.hex() == signature


def _read(path: Path) -> SigningKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise ProjectError(
            "there is no signing key", fix="`personalize init` makes one; or set PERSONALIZATION_KEYS", where=path
        ) from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ProjectError("is no ed25519 private key in PEM", fix="put the right file back", where=path)
    return SigningKey(key)

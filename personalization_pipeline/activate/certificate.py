"""Issuing the certificate beside an audience file, and verifying both offline, without a warehouse.

Belongs here: filling in, signing, comparing a certificate with its file and its signature.
Does not belong here: what a certificate says and may never say (activate.manifest), keys (foundation.keys).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personalization_pipeline.activate.manifest import (
    Consent,
    Content,
    Manifest,
    Named,
    Waterfall,
    broken_promises,
    canonical,
    fingerprint,
    manifest_bytes,
    manifest_path,
    read_table,
)
from personalization_pipeline.foundation.errors import GateRefused, MissingArgument, ProofFailed
from personalization_pipeline.foundation.keys import SigningKey, demo_public_key, is_signed

if TYPE_CHECKING:  # a receiver verifies without the platform's formats
    from personalization_pipeline.activate.formats import Format

REMEDY = "do not use the file; ask its sender for it again"


@dataclass(frozen=True)
class Origin:
    """Where a file comes from: the audience with the SHA-256 of its YAML, the night's id and moment (naive UTC)."""

    audience: str
    audience_version: str
    night: str
    as_of: datetime


@dataclass(frozen=True)
class Verdict:
    """One thing that was checked and is true."""

    check: str
    finding: str


def certify(
    content: bytes,
    file_name: str,
    format: Format,
    origin: Origin,
    waterfall: Waterfall,
    consent: Consent,
    erased_found: int,
    key: SigningKey,
) -> dict[str, Any]:
    """The signed certificate of a file. Raises GateRefused, naming each broken promise, instead of signing a lie.

    `consent` must cover the purposes of the format; `erased_found` is counted by the caller over what it delivers.
    """
    manifest = Manifest(
        certificate=1,
        content=_measure(content, file_name, format),
        format=Named(name=format.name, version=format.version),
        audience=Named(name=origin.audience, version=origin.audience_version),
        night=origin.night,
        as_of=f"{origin.as_of.isoformat(timespec='seconds')}Z",
        waterfall=waterfall,
        consent=consent,
        erased_found=erased_found,
        min_audience=format.min_audience,
        max_rows=format.max_rows,
        public_key=key.public,
    )
    uncounted = [purpose for purpose in format.consents if purpose not in consent.purposes]
    broken = [*broken_promises(manifest), *(f"consent: {purpose} was not counted" for purpose in uncounted)]
    if broken:
        raise GateRefused(
            f"no certificate: {'; '.join(broken)}", fix="look at the audience's waterfall", where=file_name
        )
    signed = manifest.model_dump()
    return signed | {"signature": key.sign(canonical(signed))}


def _measure(content: bytes, file_name: str, format: Format) -> Content:
    stream = io.BytesIO(content)
    sha256, size = fingerprint(stream)
    try:
        header, rows, filled = read_table(stream, format.delimiter, format.encoding)
    except (ValueError, csv.Error):
        raise GateRefused("cannot be read back", fix="look for cells of more than 128 KB", where=file_name) from None
    return Content(
        name=file_name,
        sha256=sha256,
        bytes=size,
        rows=rows,
        header=header,
        filled=filled,
        delimiter=format.delimiter,
        encoding=format.encoding,
    )


def verify(file: Path, trusted_key: str | None = None) -> list[Verdict]:
    """What FILE and FILE.manifest.json prove together, offline. Raises ProofFailed, naming everything that differs.

    `trusted_key` is the sender's public key (64 hex digits, its signing.pub), got by another way than the file; without
    it the verdict only says which key signed.
    """
    if not file.is_file():
        raise MissingArgument("there is no such file", fix="name an audience file", where=file)
    manifest, signature = _read_manifest(manifest_path(file))
    differences = [*_differences(manifest, signature, trusted_key), *_content_differences(manifest.content, file)]
    differences += broken_promises(manifest)
    if differences:
        raise ProofFailed("; ".join(differences), fix=REMEDY, where=file)
    return [*_verdicts(manifest, trusted_key)]


def _read_manifest(path: Path) -> tuple[Manifest, str]:
    try:
        raw = path.read_bytes()
        said = json.loads(raw)
        signature = said.pop("signature")
        manifest = Manifest.model_validate(said)
        # Nothing may hide between what is signed and what is read: blanks, repeated keys, other spellings of a text.
        is_exact = raw == manifest_bytes(manifest.model_dump() | {"signature": signature})
    except FileNotFoundError:
        raise ProofFailed("the file has no certificate", fix=REMEDY, where=path) from None
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise ProofFailed("is not a certificate", fix=REMEDY, where=path) from None
    if not is_exact or not isinstance(signature, str):
        raise ProofFailed("is not written as a certificate is", fix=REMEDY, where=path)
    return manifest, signature


def _differences(manifest: Manifest, signature: str, trusted_key: str | None) -> Iterator[str]:
    if not is_signed(canonical(manifest.model_dump()), signature, manifest.public_key):
        yield "signature: it does not fit the certificate"
    if trusted_key is not None and trusted_key.strip() != manifest.public_key:
        yield f"signature: made with the key {manifest.public_key}, which is not the trusted one"


def _content_differences(said: Content, file: Path) -> Iterator[str]:
    with file.open("rb") as stream:
        sha256, size = fingerprint(stream)
        measures = (("name", said.name, file.name), ("sha256", said.sha256, sha256), ("bytes", said.bytes, size))
        for measure, told, found in measures:
            if told != found:
                yield f"{measure}: the certificate says {told}, the file {found}"
        try:
            header, rows, filled = read_table(stream, said.delimiter, said.encoding)
        except (ValueError, TypeError, csv.Error):
            yield "content: it cannot be read as the certificate says"
            return
    # What stands where the header should be is not told: it may be a person's row.
    if said.header != header:
        yield "header: not the one that the certificate names"
    if said.rows != rows:
        yield f"rows: the certificate says {said.rows}, the file {rows}"
    elif said.filled != filled:
        yield "filled: not as many cells as the certificate says"


def _verdicts(manifest: Manifest, trusted_key: str | None) -> Iterator[Verdict]:
    fall, content = manifest.waterfall, manifest.content
    yield Verdict("sha256", content.sha256)
    yield Verdict("content", f"{content.bytes} bytes, {content.rows} rows, {', '.join(content.header)}")
    yield Verdict("waterfall", f"{fall.qualified} qualified, {fall.delivered} delivered, each step adds up")
    for purpose, grants in manifest.consent.purposes.items():
        yield Verdict("consent", f"{purpose}: {grants.consent} given, {grants.declared} declared, 0 without")
    yield Verdict("erasure", "0 erased addresses")
    signer = f"{manifest.public_key}{' (the public demo key)' if manifest.public_key == demo_public_key() else ''}"
    trust = "the trusted key" if trusted_key is not None else "compare it with the sender's signing.pub"
    yield Verdict("signature", f"by {signer}: {trust}")

"""What the certificate beside an audience file says, in which bytes, and what it may never say.

Belongs here: the shape, the canonical text, the promises, measuring a file as its receiver would.
Does not belong here: signing and verifying (activate.certificate); counting who dropped out and who consented (the
caller's SQL, apart from the rule that chose the members).

A certificate is FILE.manifest.json: sorted keys, indented; signed is the same JSON without the signature and without
spaces. The same inputs give the same bytes: no clock, no random, numbers are whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt

Encoding = Literal["utf-8", "utf-8-sig"]
Bytes = io.BufferedReader | io.BytesIO


class Part(BaseModel):
    """Read strictly: a certificate says exactly this, in these types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Named(Part):
    """A declaration and the SHA-256 of its text."""

    name: str
    version: str


class Content(Part):
    """The file as a receiver can measure it: `filled` counts the non-empty cells per header."""

    name: str
    sha256: str
    bytes: NonNegativeInt
    rows: NonNegativeInt
    header: list[str]
    filled: dict[str, NonNegativeInt]
    delimiter: str
    encoding: Encoding


class Step(Part):
    """So many people dropped for one reason, so many left."""

    reason: str
    dropped: int
    left: int


class Waterfall(Part):
    """From the people who met the rule to the people in the file; each of the others dropped once, for one reason."""

    qualified: NonNegativeInt
    steps: list[Step]
    delivered: NonNegativeInt

    @classmethod
    def of(cls, qualified: int, dropped: Iterable[tuple[str, int]], delivered: int) -> Waterfall:
        """From the reasons with their counts, in the order in which people were dropped."""
        steps, left = [], qualified
        for reason, count in dropped:
            left -= count
            steps.append(Step(reason=reason, dropped=count, left=left))
        return cls(qualified=qualified, steps=steps, delivered=delivered)


class Grants(Part):
    """Delivered people by the consent that allows it: given by themselves, declared for their source, or none at all."""

    consent: NonNegativeInt
    declared: NonNegativeInt
    missing: NonNegativeInt


class Consent(Part):
    """Per purpose that the destination needs; `snapshot` is the SHA-256 of the consents that were counted."""

    snapshot: str
    purposes: dict[str, Grants]


class Manifest(Part):
    """The whole certificate but its signature. `as_of` is UTC; `erased_found` counts erased addresses in the file."""

    certificate: Literal[1]
    content: Content
    format: Named
    audience: Named
    night: str
    as_of: str
    waterfall: Waterfall
    consent: Consent
    erased_found: NonNegativeInt
    min_audience: NonNegativeInt
    max_rows: NonNegativeInt | None
    public_key: str


def manifest_path(file: Path) -> Path:
    """Where the certificate of a file lies."""
    return file.with_name(f"{file.name}.manifest.json")


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The one way in which a certificate is written to disk."""
    return (json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def canonical(manifest: Mapping[str, Any]) -> bytes:
    """What is signed."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(file: Bytes) -> tuple[str, int]:
    """SHA-256 and number of bytes."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return sha256, file.seek(0, os.SEEK_END)


def read_table(file: Bytes, delimiter: str, encoding: Encoding) -> tuple[list[str], int, dict[str, int]]:
    """Header, number of rows, non-empty cells per header. Raises ValueError, TypeError or csv.Error for no such CSV."""
    file.seek(0)
    rows = csv.reader(io.TextIOWrapper(file, encoding, newline=""), delimiter=delimiter, strict=True)
    header = next(rows, [])
    filled, count = [0] * len(header), 0
    for row in rows:
        count += 1
        filled = [total + bool(cell) for total, cell in zip(filled, row, strict=True)]
    return header, count, dict(zip(header, filled, strict=True))


def broken_promises(manifest: Manifest) -> Iterator[str]:
    """What a certificate may not say, whoever signed it."""
    fall, content = manifest.waterfall, manifest.content
    left = fall.qualified
    for step in fall.steps:
        if step.dropped < 0 or left - step.dropped != step.left:
            yield f"waterfall: {left} - {step.dropped} ({step.reason}) is not {step.left}"
        left = step.left
    if left != fall.delivered:
        yield f"waterfall: {left} are left, {fall.delivered} delivered"
    if content.rows < fall.delivered or (content.rows > 0) != (fall.delivered > 0):
        yield f"waterfall: {fall.delivered} people cannot fill {content.rows} rows"
    if not manifest.consent.purposes:
        yield "consent: no purpose"
    for purpose, grants in manifest.consent.purposes.items():
        if grants.missing:
            yield f"consent: {grants.missing} delivered without a grant for {purpose}"
        if grants.consent + grants.declared + grants.missing != fall.delivered:
            yield f"consent: the counts for {purpose} are not those of {fall.delivered} people"
    if manifest.erased_found:
        yield f"erasure: {manifest.erased_found} erased addresses found"
    if fall.delivered < manifest.min_audience:
        yield f"size: {fall.delivered} people, at least {manifest.min_audience} needed"
    if manifest.max_rows is not None and content.rows > manifest.max_rows:
        yield f"size: {content.rows} rows, at most {manifest.max_rows} taken"

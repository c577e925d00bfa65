"""After the commit: each certified file goes to its destination's folder, and a receipt into landing/_receipts/.

Belongs here: pushing and receipts. What the world has seen is a fact: a file that has a receipt is not pushed again.
Does not belong here: which people are in a file (phase activate).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from personalization_pipeline.activate.manifest import manifest_path
from personalization_pipeline.foundation import clock
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.writes import Kind, copy, write_text
from personalization_pipeline.ingest.receipts import RECEIPTS, receipt_name
from personalization_pipeline.publish.record import certified_files


@dataclass(frozen=True)
class Delivery:
    """One file of the night: where it went, or that it had gone before."""

    audience: str
    destination: str
    target: Path
    is_new: bool


def deliver(project: Project, night: Path) -> list[Delivery]:
    """Push every certified file of a committed night that has no receipt yet. Safe to repeat."""
    return [_deliver(project, night, file) for file in certified_files(night)]


def undelivered(project: Project, night: Path) -> list[Path]:
    """The certified files of a committed night that have no receipt."""
    return [file for file in certified_files(night) if not _receipt(project, night, file).is_file()]


def _deliver(project: Project, night: Path, file: Path) -> Delivery:
    audience, destination = file.stem, file.parent.name
    target = _folder(project, destination) / night.name / file.name
    receipt = _receipt(project, night, file)
    if receipt.is_file():
        return Delivery(audience, destination, target, is_new=False)
    copy(file, target, Kind.DELIVERY, 0o600)
    manifest = manifest_path(file)
    copy(manifest, manifest_path(target), Kind.DELIVERY)
    content = {
        "audience": audience,
        "destination": destination,
        "file": f"{night.name}/{file.name}",
        "night": night.name,
        "row_count": json.loads(manifest.read_text(encoding="utf-8"))["content"]["rows"],
        "sha256": _sha256(file),
        "delivered_at": f"{clock.now().isoformat()}Z",
    }
    write_text(receipt, json.dumps(content, sort_keys=True) + "\n", Kind.RECEIPT)
    return Delivery(audience, destination, target, is_new=True)


def _receipt(project: Project, night: Path, file: Path) -> Path:
    return project.landing / RECEIPTS / receipt_name(file.parent.name, file.stem, night.name, _sha256(file))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _folder(project: Project, destination: str) -> Path:
    chosen = project.destinations[destination].deliver_to
    return project.folder / chosen if chosen else Store(project.store).root / "delivered" / destination

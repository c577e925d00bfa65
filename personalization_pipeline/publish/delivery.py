"""After the commit: each certified file goes to its destination's folder, and a receipt into landing/_receipts/.

Belongs here: pushing and receipts. What the world has seen is a fact: a file that has a receipt is not pushed again.
Does not belong here: which people are in a file (phase activate).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from personalization_pipeline.foundation import clock
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.writes import Kind, copy, write_text
from personalization_pipeline.publish.record import certified_files

RECEIPTS = "_receipts"


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


def _deliver(project: Project, night: Path, file: Path) -> Delivery:
    audience, destination = file.stem, file.parent.name
    target = _folder(project, destination) / night.name / file.name
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    occurrence = night.name.rsplit("-r", 1)[0]
    receipt = project.landing / RECEIPTS / f"{destination}__{audience}__{occurrence}__{sha[:16]}.json"
    if receipt.is_file():
        return Delivery(audience, destination, target, is_new=False)
    copy(file, target, Kind.DELIVERY)
    copy(file.with_name(f"{file.name}.manifest.json"), target.with_name(f"{target.name}.manifest.json"), Kind.DELIVERY)
    content = {
        "audience": audience,
        "destination": destination,
        "file": f"{night.name}/{file.name}",
        "night": night.name,
        "sha256": sha,
        "delivered_at": f"{clock.now().isoformat()}Z",
    }
    write_text(receipt, json.dumps(content, sort_keys=True) + "\n", Kind.RECEIPT)
    return Delivery(audience, destination, target, is_new=True)


def _folder(project: Project, destination: str) -> Path:
    chosen = project.destinations[destination].deliver_to
    return project.folder / chosen if chosen else Store(project.store).root / "delivered" / destination

"""night.json: every input of a night by hash, and what came out, so that anyone can rebuild and compare it.

Belongs here: what is recorded. No wall clock, no host, no path outside the store: the same night, the same record.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline import __version__
from personalization_pipeline.foundation.artefacts import key_of
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import Store, night_before
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import content_hash
from personalization_pipeline.ingest.landing import landed_files


def inputs_of(project: Project, as_of: datetime) -> dict[str, Any]:
    """What a night is a function of, apart from the artefacts."""
    before = night_before(Store(project.store), as_of)
    return {
        "as_of": as_of.isoformat(),
        "yesterday": before.name if before else None,
        "project": project.text_hash(),
        "package": __version__,
        "landed": [
            {"source": file.source, "path": file.place, "sha256": file.sha256} for file in landed_files(project)
        ],
    }


def record_of(building: Building, warnings: list[str]) -> dict[str, Any]:
    """The whole night.json: inputs, artefacts, and per table its rows and the hash of its content."""
    assert building.folder is not None
    tables = {
        name: {
            "rows": built.row_count,
            "content": content_hash(building.connection, building.catalogue.tables[name].target),
        }
        for name, built in sorted(building.results.items())
    }
    return {
        **inputs_of(building.project, building.as_of),
        "night": building.folder.name,
        "artefacts": {name: key_of(content) for name, content in sorted(building.artefacts.items())},
        "tables": tables,
        "warnings": warnings,
        "notes": building.notes,
        "refused": len(building.notes),
    }


def is_unchanged(project: Project, as_of: datetime) -> bool:
    """True where the current night was built from exactly these inputs: there is nothing to do."""
    store = Store(project.store)
    record = store.record(store.current())
    wanted = inputs_of(project, as_of)
    return bool(record) and all(record.get(key) == value for key, value in wanted.items())


def certified_files(folder: Path) -> list[Path]:
    """The audience files of a night that carry a certificate, by name."""
    manifests = sorted((folder / "files").rglob("*.manifest.json"))
    return [manifest.with_name(manifest.name.removesuffix(".manifest.json")) for manifest in manifests]

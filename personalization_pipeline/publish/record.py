"""night.json: every input of a night by hash, and what came out, so that anyone can rebuild and compare it.

Belongs here: what is recorded. No wall clock, no host, no path outside the store: the same night, the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import Store, made_of, night_before
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import content_hash, query
from personalization_pipeline.ingest.landing import landed_files


def inputs_of(project: Project, as_of: datetime) -> dict[str, Any]:
    """What a night of that moment would be made of now, apart from the artefacts."""
    landed = [_named(f.source, f.place, f.sha256, f.byte_count) for f in landed_files(project, as_of)]
    return _inputs(as_of, night_before(Store(project.store), as_of), made_of(project), landed)


def _named(source: str, path: str, sha256: str, byte_count: int) -> dict[str, str | int]:
    return {"source": source, "path": path, "sha256": sha256, "byte_count": byte_count}


def _inputs(
    as_of: datetime, before: Path | None, made: Mapping[str, str | None], landed: list[dict[str, str | int]]
) -> dict[str, Any]:
    return {
        "as_of": as_of.isoformat(),
        "yesterday": before.name if before else None,
        **made,
        "landed": sorted(landed, key=lambda file: (file["source"], file["path"])),
    }


def record_of(building: Building, warnings: list[str]) -> dict[str, Any]:
    """The whole night.json: inputs, artefacts, and per table its rows and the hash of its content; a view follows from these.

    The inputs are those that were read when the night was opened, not those that lie there at its end.
    """
    assert building.folder is not None
    read = query(building.connection, "SELECT source, path, sha256, byte_count FROM files")
    landed = [_named(*file) for file in read]
    tables = {
        name: {
            "rows": built.row_count,
            "content": content_hash(building.connection, building.catalogue.tables[name].target),
        }
        for name, built in sorted(building.results.items())
        if not building.catalogue.tables[name].is_view
    }
    return {
        **_inputs(building.as_of, building.yesterday, building.made_of, landed),
        "night": building.folder.name,
        "artefacts": building.artefact_keys,
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

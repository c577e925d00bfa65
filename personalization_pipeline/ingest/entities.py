"""The canonical entities, read from entities.yaml. Does not belong here: any knowledge of sources or files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Entity:
    """One canonical entity; see the head of entities.yaml for what the fields mean."""

    name: str
    description: str
    columns: Mapping[str, str]
    required: tuple[str, ...]
    key: tuple[str, ...]
    at: tuple[str, ...]
    generated: str
    amount: str
    values: Mapping[str, tuple[str, ...]]

    def moment(self) -> str:
        """SQL: when the row speaks of (NULL: always)."""
        return f"greatest({', '.join(self.at)})" if self.at else "CAST(NULL AS TIMESTAMP)"


@cache
def entities() -> Mapping[str, Entity]:
    """All canonical entities by name."""
    declared = yaml.safe_load((Path(__file__).parent / "entities.yaml").read_text(encoding="utf-8"))
    return {
        name: Entity(
            name=name,
            description=entry["description"],
            columns={column: kind.removesuffix("!") for column, kind in entry["columns"].items()},
            required=tuple(column for column, kind in entry["columns"].items() if kind.endswith("!")),
            key=tuple(entry["key"]),
            at=tuple(entry["at"]),
            generated=entry.get("generated", ""),
            amount=entry.get("amount", ""),
            values={column: tuple(words) for column, words in entry.get("values", {}).items()},
        )
        for name, entry in declared.items()
    }

"""Trained models as text: where a night finds the ones it uses, and how it keeps the ones it made.

A night uses what the project pins, else what yesterday used, else what it trains itself; `run --train` trains anew; a
night that is replayed uses what it used then.
Belongs here: finding and keeping. Does not belong here: what a model says (resolve, analyze).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.errors import InputGone, ProjectError
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.writes import Kind, write_text

Artefact = dict[str, Any]


def artefact(building: Building, name: str, train: Callable[[], Artefact]) -> Artefact:
    """The artefact `name` of this night; `train` makes one where there is none."""
    if name not in building.artefacts:
        found = None if building.retrain else _chosen(building, name)
        content = found or train()
        _keep(building, name, content)
        building.artefacts[name], building.artefact_keys[name] = content, key_of(content)
    return building.artefacts[name]


def changed_artefacts(building: Building) -> set[str]:
    """Names of pinned artefacts that are others than those that a night has used."""
    found = {name: _pinned(building, name) for name in building.project.settings.artefacts}
    return {name for name, content in found.items() if content and key_of(content) != building.artefact_keys.get(name)}


def text_of(content: Artefact) -> str:
    """The one text of an artefact: equal content, equal text."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def key_of(content: Artefact) -> str:
    """What names an artefact in night.json: the first 16 hex digits of the sha256 of its text."""
    return hashlib.sha256(text_of(content).encode()).hexdigest()[:16]


def _chosen(building: Building, name: str) -> Artefact | None:
    if building.again:
        return _known(building, name)
    return _pinned(building, name) or _known(building, name)


def _pinned(building: Building, name: str) -> Artefact | None:
    path = building.project.settings.artefacts.get(name)
    if path is None:
        return None
    file = building.project.folder / path
    try:
        content: Artefact = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        content = {}
    if not content or not isinstance(content, dict):
        raise ProjectError(
            "is no artefact", fix="put the right file back, or train a new one: personalize run --train", where=file
        )
    return content


def _known(building: Building, name: str) -> Artefact | None:
    """The one that this night has used in an earlier run, or yesterday's. Training another would change people's ids, so
    a file that is lost or changed is refused, not replaced.
    """
    store = Store(building.project.store)
    key = {**store.record(building.yesterday).get("artefacts", {}), **building.artefact_keys}.get(name)
    if not key:
        return None
    content = kept(store, name, key)
    if content is None:
        raise ProjectError(
            "the artefact that the last night used is not there, or not what it was",
            fix="put it back, or decide to train a new one: personalize run --train",
            where=artefact_file(store, name, key),
        )
    return content


def kept(store: Store, name: str, key: str) -> Artefact | None:
    """The artefact of that key as the store keeps it; None where it is not there, or not what it was."""
    file = artefact_file(store, name, key)
    content: Artefact = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return content if key_of(content) == key else None


def used(store: Store, name: str, key: str) -> Artefact:
    """The artefact that a committed night used. Raises InputGone where the store has it no longer."""
    content = kept(store, name, key)
    if content is None:
        raise InputGone(f"the {name} artefact {key} is not there", fix="put it back", where=store.root)
    return content


def artefact_file(store: Store, name: str, key: str) -> Path:
    """Where a store keeps the artefact of that key."""
    return store.artefacts / f"{name}-{key}.json"


def _keep(building: Building, name: str, content: Artefact) -> None:
    """Also one that is pinned: whoever removes the pin, or replays this night, finds it by its key."""
    path = artefact_file(Store(building.project.store), name, key_of(content))
    if not path.is_file():
        write_text(path, text_of(content), Kind.ARTEFACT)

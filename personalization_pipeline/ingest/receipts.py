"""Receipts of deliveries, as a source that every project has: what the world has seen is a fact, not a night's memory.

Belongs here: the source, where its files lie, from which night on each is read. Does not belong here: writing receipts
(publish.delivery).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from personalization_pipeline.foundation.clock import NIGHT_FORMAT
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.project import Project, read_declaration

# Its name, which begins as no source of a project should, and its folder below landing.
RECEIPTS = "_receipts"
DECLARED = Path(__file__).with_name("receipts.yaml")


@cache
def receipts() -> Source:
    """The declaration of the source."""
    return read_declaration(DECLARED, Source)


def sources(project: Project) -> Mapping[str, Source]:
    """What the project declares, then the receipts."""
    return {**project.sources, RECEIPTS: receipts()}


def declared_in(project: Project, name: str) -> Path:
    """The file that declares a source."""
    return DECLARED if name == RECEIPTS else project.file("sources", name)


def receipt_name(destination: str, audience: str, night: str, sha256: str) -> str:
    """One receipt per destination, audience, moment and content: a revision that changes nothing is not pushed again."""
    return f"{destination}__{audience}__{night.rsplit('-r', 1)[0]}__{sha256[:16]}.json"


def is_before(receipt: Path, as_of: datetime) -> bool:
    """Whether a receipt is of an earlier moment than this one: a revision does not read what its own night has sent."""
    parts = receipt.stem.rsplit("__", 2)
    return len(parts) < 3 or parts[1] < as_of.strftime(NIGHT_FORMAT)

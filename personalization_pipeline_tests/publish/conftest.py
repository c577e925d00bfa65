"""The built night, to be judged again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.opening import open_part
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project

ACCOUNTS = ("ledger", "ledger_rests")


@pytest.fixture
def building(demo_copy: Path) -> Iterator[Building]:
    """A copy of the built night whose accounts are still to be made: break something, then judge it."""
    project = load_project(demo_copy)
    part = open_part(project, catalogue(project), set(ACCOUNTS))
    assert part is not None
    yield part
    part.connection.close()

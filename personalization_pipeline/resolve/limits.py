"""What limits.yaml says, as rows that a SELECT can read.

Belongs here: reading the file. Does not belong here: counting who shares a value (the SELECT of shared_values), and values
that nobody meant, whoever has them (bad_values.yaml).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import polars as pl
import yaml

SHARING_LIMITS = {"kind": "VARCHAR", "people_limit": "BIGINT", "record_limit": "BIGINT"}
ROLE_MAILBOXES = {"email_local": "VARCHAR", "reason": "VARCHAR"}


@functools.cache
def limits() -> dict[str, Any]:
    """The content of limits.yaml."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("limits.yaml").read_text(encoding="utf-8"))
    return content


def sharing_limits() -> pl.DataFrame:
    """One row per kind of value: with how many people and records it may be seen."""
    return pl.DataFrame([{"kind": kind, **limit} for kind, limit in limits()["shared_values"].items()])


def role_mailboxes() -> pl.DataFrame:
    """One row per mailbox of a function: the part before the @, and who reads it."""
    return pl.DataFrame(list(limits()["role_mailboxes"].items()), schema=list(ROLE_MAILBOXES), orient="row")

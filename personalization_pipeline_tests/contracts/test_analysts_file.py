"""The analysts' file of a built night names nobody: no e-mail address, phone number, street or full name of the demo's people.

Belongs here: the scan of what was really built, cell by cell and byte by byte. Does not belong here: rules over column
names (test_columns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalization_pipeline.foundation.warehouse import Connection, published_connection, query

PLACEHOLDER = re.compile(r"(.)\1*")  # 0000000000 is no telephone of anybody
LANDED = {"landing", "arrivals", "truth"}  # written by the demo's maker, not by a night
WORD = re.compile(r"[^\W\d_]+")


@contextmanager
def published(project: Path, *, private: bool = False) -> Iterator[Connection]:
    """The committed night of a project, open for reading."""
    connection = published_connection((project / "store" / "current").resolve(), private=private)
    yield connection
    connection.close()


@dataclass(frozen=True)
class Named:
    """What the demo's people could be recognised by, in lower case: as landed, and as standardised."""

    addresses: frozenset[str]
    names: frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def named(demo_night: Path) -> Named:
    with published(demo_night, private=True) as connection:
        told = query(connection, "SELECT unnest([email, phone, street]) FROM contacts")
        names = query(connection, "SELECT DISTINCT first_name, last_name FROM contacts WHERE last_name IS NOT NULL")
        standard = query(connection, "SELECT address FROM identifiers WHERE address_kind IN ('email', 'phone')")
    addresses = {text for (text,) in told if text}
    addresses |= {address.split(":", 1)[1] for (address,) in standard}
    pairs = {(first.lower(), last.lower()) for first, last in names if len(first or "") > 2 and len(last) > 2}
    return Named(
        frozenset(text.strip().lower() for text in addresses if len(text) > 6 and not PLACEHOLDER.fullmatch(text)),
        frozenset(pairs),
    )


def rows_of(connection: Connection, database: str) -> Iterator[tuple[str, str]]:
    """Every row of every table of a database as one lower-case text of all its cells but numbers and dates."""
    tables = query(connection, "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY 1", [database])
    for (table,) in tables:
        columns = query(
            connection,
            "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
            "AND (contains(data_type, 'VARCHAR') OR data_type IN ('JSON', 'BLOB')) ORDER BY column_index",
            [database, table],
        )
        if columns:
            cells = ", ".join(f'CAST("{name}" AS VARCHAR)' for (name,) in columns)
            found = query(connection, f"SELECT DISTINCT concat_ws(' | ', {cells}) FROM {database}.main.{table}")
            yield from ((table, text.lower()) for (text,) in found)


def given_away(rows: Iterator[tuple[str, str]], named: Named) -> dict[str, int]:
    """Per table how many of its rows hold an address or a first name together with its surname."""
    surnames: dict[str, set[str]] = {}
    for first, last in named.names:
        surnames.setdefault(first, set()).add(last)
    telling = re.compile("|".join(map(re.escape, sorted(named.addresses))))
    found: dict[str, int] = {}
    for table, text in rows:
        words = set(WORD.findall(text))
        if telling.search(text) or any(surnames[first] & words for first in words & surnames.keys()):
            found[table] = found.get(table, 0) + 1
    return found


def test_there_are_addresses_and_names_to_look_for(named: Named) -> None:
    assert len(named.addresses) > 100
    assert len(named.names) > 100


def test_the_scan_finds_people_in_the_private_file(demo_night: Path, named: Named) -> None:
    with published(demo_night, private=True) as connection:
        found = given_away(rows_of(connection, "private"), named)
    assert {"contacts", "people", "identifiers", "consents"} <= set(found)


def test_no_cell_of_the_analysts_file_names_anybody(demo_night: Path, named: Named) -> None:
    with published(demo_night) as connection:
        rows = list(rows_of(connection, "warehouse"))
    assert {"orders", "files", "ledger", "profiles"} <= {table for table, _ in rows}
    assert given_away(iter(rows), named) == {}


def test_no_byte_of_the_analysts_file_is_of_an_address(demo_night: Path, named: Named) -> None:
    """Also where no table looks: blocks that were freed while the night was built."""
    assert addresses_in("private.duckdb", demo_night, named) != []
    assert addresses_in("warehouse.duckdb", demo_night, named) == []


def addresses_in(name: str, project: Path, named: Named) -> list[str]:
    content = (project / "store" / "current" / name).read_bytes().lower()
    return [address for address in sorted(named.addresses) if address.encode() in content]


@pytest.mark.parametrize("name", ["report.html", "night.json"])
def test_what_is_told_about_a_night_names_nobody(demo_night: Path, named: Named, name: str) -> None:
    text = (demo_night / "store" / "current" / name).read_text(encoding="utf-8")
    assert addresses_in(name, demo_night, named) == []
    assert given_away(((name, line.lower()) for line in text.splitlines()), named) == {}


def test_what_others_may_read_names_nobody(demo_night: Path, named: Named) -> None:
    """Every file that a night leaves behind is closed, lies in a closed folder, or holds no address."""
    left = [path for path in demo_night.rglob("*") if path.is_file() and not LANDED & set(path.parts)]
    opened = [path for path in left if may_others_read(path, demo_night)]
    assert {"warehouse.duckdb", "report.html", "night.json"} <= {path.name for path in opened} < {p.name for p in left}
    told = {path: [one for one in named.addresses if one.encode() in path.read_bytes().lower()] for path in opened}
    assert {path: addresses for path, addresses in told.items() if addresses} == {}


def may_others_read(path: Path, project: Path) -> bool:
    folders = [folder for folder in path.parents if folder.is_relative_to(project)]
    return all(step.stat().st_mode & 0o077 for step in (path, *folders))

"""Tables as files: one SELECT per `tables/<name>.sql`, described by the comment above it, placed by parsing it.

Belongs here: the header grammar, the lineage of a SELECT, the order in which tables can be built.
Does not belong here: running a SELECT (foundation.night) and which constructs it may use (foundation.lint).

Header, one line each, before the SELECT; what precedes the first keyword is the description:
    -- owner: team:analytics          who answers for it
    -- private                        lies in the private file; without it in the analysts' file
    -- view                           of other private tables: it is read each time, and nothing of it is written
    -- feature                        joined into `features` by person_id
    -- columns: name TYPE, ...        a table with a memory: read as `yesterday.<table>`, cast to these types
    -- column name: comment           what a column means
    -- check: <check> / -- warn: <check>      see foundation.checks
    -- plot bar: x by <aggregate>     drawn in the UI and the report

Names that a SELECT may read: other tables; `facts.<entity>`; `yesterday.<table>`; `computed.<name>` (made by a Python
function just before); `tonight`; and `slot.<name>`, an expression or relation that the project fills in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sqlglot
from sqlglot import exp

from personalization_pipeline.foundation.checks import Check, read_check
from personalization_pipeline.foundation.errors import TableError

FLAGS = ("private", "view", "feature")
KEYS = ("owner", *FLAGS, "columns", "column", "check", "warn", "plot")
KEY_LINE = re.compile(rf"^({'|'.join(KEYS)})\b\s*([^:]*?)\s*(?::\s*(.*))?$")
SPACES = ("facts", "yesterday", "computed", "slot", "run")


@dataclass(frozen=True)
class Plot:
    """`mark` is bar or line; `y` an aggregate over the table, one mark per distinct `x`."""

    mark: str
    x: str
    y: str


@dataclass(frozen=True)
class Table:
    """One table of a night: what its file says, parsed."""

    name: str
    phase: str
    path: Path
    description: str
    owner: str
    is_private: bool
    is_view: bool
    is_feature: bool
    memory: Mapping[str, str]
    comments: Mapping[str, str]
    checks: tuple[Check, ...]
    plots: tuple[Plot, ...]
    sql: str

    @cached_property
    def tree(self) -> exp.Expr:
        """The parsed SELECT."""
        return parse_select(self.sql, self.path)

    @property
    def target(self) -> str:
        """Where the table lies while a night is built."""
        return f"{'private' if self.is_private else 'warehouse'}.main.{self.name}"

    def reads(self, space: str | None = None) -> tuple[str, ...]:
        """Names that the SELECT reads, sorted: bare tables (None) or those of one space, e.g. 'facts'."""
        return self._reads.get(space, ())

    @cached_property
    def _reads(self) -> dict[str | None, tuple[str, ...]]:
        spaces = {table.db or None for table in self.tree.find_all(exp.Table)}
        return {space: relations(self.tree, space) for space in spaces}

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots that the project fills, sorted: expressions and relations."""
        columns = {c.name for c in self.tree.find_all(exp.Column) if c.table == "slot"}
        return tuple(sorted(columns | set(self.reads("slot"))))

    def filled(self, slots: Mapping[str, str]) -> str:
        """The SELECT with its slots filled, as DuckDB text."""
        tree = self.tree.copy()
        for column in [c for c in tree.find_all(exp.Column) if c.table == "slot"]:
            column.replace(exp.paren(sqlglot.parse_one(slots[column.name], dialect="duckdb")))
        for table in [t for t in tree.find_all(exp.Table) if t.db == "slot"]:
            inner = sqlglot.parse_one(slots[table.name], dialect="duckdb")
            table.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name))))
        return tree.sql("duckdb")


def relations(tree: exp.Expr, space: str | None = None) -> tuple[str, ...]:
    """Tables that a parsed SELECT reads, without its own CTEs, sorted."""
    named_here = {cte.alias for cte in tree.find_all(exp.CTE)}
    found = {
        t.name
        for t in tree.find_all(exp.Table)
        if (t.db or None) == space
        and isinstance(t.this, exp.Identifier)
        and not (space is None and t.name in named_here)
    }
    return tuple(sorted(found))


def parse_select(sql: str, where: Path | str) -> exp.Expr:
    """Parse exactly one SELECT. Raises TableError naming the line."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree]
    except sqlglot.errors.TokenError:
        raise TableError("a quote or a comment is never closed", fix="close it", where=where) from None
    except sqlglot.errors.ParseError as error:
        place = error.errors[0] if error.errors else {}
        raise TableError(
            f"line {place.get('line', '?')} does not parse near {place.get('highlight', '')!r}",
            fix="correct the SELECT",
            where=where,
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise TableError("holds something other than one SELECT", fix="keep one SELECT per file", where=where)
    return trees[0]


def read_table(path: Path, phase: str) -> Table:
    """Read one table file. Raises TableError for an unknown keyword, a bad check or a body that is not one SELECT."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise TableError("is not UTF-8 text", fix="save the file as UTF-8", where=path) from None
    end = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("--")), len(lines))
    description: list[str] = []
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in KEYS}
    for line in (line.removeprefix("--").strip() for line in lines[:end]):
        match = KEY_LINE.match(line) if line else None
        if match and (match[3] is not None or line in FLAGS):
            found[match[1]].append((match[2], match[3] or ""))
        elif line and not any(found.values()) and not _is_misspelt(line):
            description.append(line)
        elif line:
            raise TableError(f"header line {line!r} is no keyword", fix=f"use one of {', '.join(KEYS)}", where=path)
    table = Table(
        name=path.stem,
        phase=phase,
        path=path,
        description=" ".join(description),
        owner=found["owner"][0][1] if found["owner"] else "",
        is_private=bool(found["private"]),
        is_view=bool(found["view"]),
        is_feature=bool(found["feature"]),
        memory=_columns(found["columns"][0][1], path) if found["columns"] else {},
        comments=dict(found["column"]),
        checks=tuple(
            read_check(f"{key}: {text}" if key == "warn" else text, path)
            for key in ("check", "warn")
            for _, text in found[key]
        ),
        plots=tuple(_plot(mark, text, path) for mark, text in found["plot"]),
        sql="\n" * end + "\n".join(lines[end:]),  # blank lines, so that a line has the number that it has in the file
    )
    if not table.description:
        raise TableError("has no description", fix="say in the first comment what one row is", where=path)
    _ = table.tree
    if table.is_view and (not table.is_private or any(map(table.reads, SPACES))):
        raise TableError("is a view of more than private tables", fix="make it a table: remove `view`", where=path)
    return table


def _is_misspelt(line: str) -> bool:
    """`chekc: ...` is meant as a keyword, not as the description."""
    word, colon, _ = line.partition(":")
    return bool(colon) and bool(difflib.get_close_matches(word.split(" ")[0], KEYS, n=1, cutoff=0.75))


def _columns(text: str, where: Path) -> dict[str, str]:
    pairs = [part.split(maxsplit=1) for part in re.split(r",\s*(?![^(]*\))", text)]
    if any(len(pair) != 2 for pair in pairs):
        raise TableError(f"cannot read the columns {text!r}", fix="write `columns: <name> <TYPE>, ...`", where=where)
    return {name: kind.strip() for name, kind in pairs}


def _plot(mark: str, text: str, where: Path) -> Plot:
    x, by, y = text.partition(" by ")
    if mark not in ("bar", "line") or not by:
        raise TableError(
            f"cannot read the plot {mark} {text!r}", fix="write `plot bar: <x> by <aggregate>`", where=where
        )
    return Plot(mark, x.strip(), y.strip())


def read_tables(folder: Path, phase: str) -> dict[str, Table]:
    """All tables of a folder by name, in file-name order."""
    return {path.stem: read_table(path, phase) for path in sorted(folder.glob("*.sql"))}


def in_order(reads: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after all that it reads; names of equal standing alphabetically."""
    sorter = TopologicalSorter({name: set(deps) & set(reads) for name, deps in reads.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise TableError(f"tables read each other in a circle: {' -> '.join(error.args[1])}", fix="break it") from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order.extend(ready)
        sorter.done(*ready)
    return order

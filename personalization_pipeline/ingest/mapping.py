"""What a source's YAML means in SQL: each mapped column is an expression over the file's text columns.

Belongs here: checking the expressions, and the one projection that types a row and says what is wrong with it.
Does not belong here: reading bytes (ingest.reading) and choosing versions (ingest.versions).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp

from personalization_pipeline.foundation.declarations import ADDRESS_KINDS, Mapping, Source
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.project import Project, nearest
from personalization_pipeline.foundation.warehouse import literal
from personalization_pipeline.ingest.entities import Entity, entities

# A mapping may write `order_id: id`; the fact carries `order_key` = '<source>:<id>', unique over all sources.
IDS = {
    "record_id": "record_key",
    "order_id": "order_key",
    "event_id": "event_key",
    "line_id": "line_key",
    "address_id": "address",
}
REFUSED = (exp.Query, exp.Table, exp.Star, exp.AggFunc, exp.Window, exp.Lambda, exp.Parameter, exp.Placeholder)
OWN_FUNCTIONS = {"utc", "day_of", "money"}
ENGINE_FUNCTIONS = {
    "json_extract_string",
    "strip_accents",
    "list_contains",
    "try_strptime",
    "to_timestamp",
    "make_date",
}


WHERE = "where"


@dataclass(frozen=True)
class Column:
    """One typed column of one mapping: `alias` is its name in the projection of the whole row.

    A mapping's `where` is such a column too, of kind BOOLEAN: the other columns of its mapping count only where it is true.
    """

    entity: str
    index: int
    name: str
    alias: str
    sql: str
    reads: tuple[str, ...]
    kind: str


def check_sources(project: Project) -> None:
    """Check every source's mappings. Raises ProjectError naming the file, the word and the nearest known names."""
    for name, source in project.sources.items():
        list(mapped_columns(name, source, project.file("sources", name)))


def mapped_columns(name: str, source: Source, where: Path) -> Iterator[Column]:
    """All columns that a source maps, in the order of its file."""
    if source.rows_are not in source.maps:
        raise ProjectError(
            f"rows_are names {source.rows_are!r}", fix=nearest(source.rows_are, source.maps), where=where
        )
    if "order_lines" in source.maps and source.rows_are != "order_lines":
        raise ProjectError(
            "maps order_lines, but its rows are something else: their money could not be accounted for",
            fix="write `rows_are: order_lines`; orders and contacts may come along",
            where=where,
        )
    _check_fill_down(source, where)
    for entity_name in source.maps:
        if entity_name not in entities():
            raise ProjectError(f"unknown entity {entity_name!r}", fix=nearest(entity_name, entities()), where=where)
        entity = entities()[entity_name]
        for index, mapping in enumerate(source.mappings(entity_name)):
            full = _in_full(entity, mapping)
            condition = full.pop(WHERE, None)
            if condition is not None:
                yield _condition(source, entity, index, condition, where)
            for target, expression in full.items():
                yield _column(name, source, entity, index, target, expression, where)
            _check_required(entity, full, where)


def _in_full(entity: Entity, mapping: Mapping) -> Mapping:
    """A mapping with its shorthands written out: `address_email: x` is an e-mail address; a consent without an address
    is about the record; `line_id` counts within its order.
    """
    full = dict(mapping)
    if entity.name == "consents" and not {"address", "address_kind"} & set(full):
        kind = next((kind for kind in ADDRESS_KINDS if f"address_{kind}" in full), "record")
        full["address_kind"] = literal(kind)
        if kind == "record":
            full["address_id"] = full.get("record_id", "NULL")
        else:
            full["address"] = full.pop(f"address_{kind}")
    if "line_id" in full and "order_id" in full:
        full["line_id"] = f"({full['order_id']}) || '/' || ({full['line_id']})"
    return full


def _column(name: str, source: Source, entity: Entity, index: int, target: str, text: str, where: Path) -> Column:
    column = IDS.get(target, target)
    if column not in entity.columns:
        known = [*entity.columns, *(key for key, made in IDS.items() if made in entity.columns)]
        raise ProjectError(f"{entity.name} has no column {target!r}", fix=nearest(target, known), where=where)
    tree = _expression(text, source, where)
    sql = tree.sql("duckdb")
    if target in IDS:
        sql = f"{literal(name + ':')} || nullif(trim(CAST({sql} AS VARCHAR)), '')"
    kind = entity.columns[column]
    typed = f"nullif(trim(CAST({sql} AS VARCHAR)), '')" if kind == "VARCHAR" else f"TRY_CAST({sql} AS {kind})"
    reads = tuple(sorted({found.name for found in tree.find_all(exp.Column)}))
    return Column(entity.name, index, column, f"{entity.name}__{index}__{column}", typed, reads, kind)


def _condition(source: Source, entity: Entity, index: int, text: str, where: Path) -> Column:
    if index == 0 and entity.name == source.rows_are:
        raise ProjectError(
            f"the first mapping of {entity.name} has a `where`, but every row of the file is one",
            fix="leave it out there; a second mapping of the entity may have one",
            where=where,
        )
    tree = _expression(text, source, where)
    reads = tuple(sorted({found.name for found in tree.find_all(exp.Column)}))
    return Column(
        entity.name, index, WHERE, f"{entity.name}__{index}__{WHERE}", f"({tree.sql('duckdb')})", reads, "BOOLEAN"
    )


def _check_fill_down(source: Source, where: Path) -> None:
    fill_down = source.format.fill_down
    for column in (fill_down.by, *fill_down.columns) if fill_down else ():
        if column not in source.columns:
            raise ProjectError(
                f"fill_down names {column!r}, which `columns` does not declare",
                fix=nearest(column, source.columns),
                where=where,
            )


def _expression(text: str, source: Source, where: Path) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise ProjectError(
            f"cannot read the expression {text!r}", fix="write one SQL expression", where=where
        ) from None
    for node in tree.walk():
        function = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, (*REFUSED, exp.Command)) or (function and function not in OWN_FUNCTIONS | ENGINE_FUNCTIONS):
            raise ProjectError(
                f"the expression {text!r} uses {function or type(node).__name__.lower()!r}",
                fix="a mapping sees one row of one file: columns, literals, CASE, and functions of values such as "
                + ", ".join(sorted(OWN_FUNCTIONS)),
                where=where,
            )
        if isinstance(node, exp.Column) and node.name not in source.columns:
            raise ProjectError(
                f"the expression {text!r} reads {node.name!r}, which `columns` does not declare",
                fix=nearest(node.name, source.columns),
                where=where,
            )
    return tree


def _check_required(entity: Entity, mapping: Mapping, where: Path) -> None:
    given = {IDS.get(target, target) for target in mapping}
    missing = [column for column in entity.required if column not in given and column != entity.generated]
    if missing:
        raise ProjectError(
            f"{entity.name} is mapped without {', '.join(missing)}", fix="map it: it is required", where=where
        )
    kind = mapping.get("address_kind", "")
    if kind.startswith("'") and kind.strip("'") not in ADDRESS_KINDS:
        raise ProjectError(f"unknown address kind {kind}", fix=nearest(kind.strip("'"), ADDRESS_KINDS), where=where)


def typed_projection(columns: list[Column], source: Source) -> str:
    """The SELECT list that types one source row: every mapped column, `reasons` (why the row is refused, empty if it
    is not) and `unread` (columns that hold a text which does not parse, though the row can do without them).
    """
    entity = entities()[source.rows_are]
    rows = [column for column in columns if column.entity == source.rows_are]
    meant = {(column.entity, column.index): column.sql for column in columns if column.name == WHERE}
    reasons, unread = [], []
    for column in columns:
        if column.name == WHERE:
            continue
        is_meant = meant.get((column.entity, column.index), "true")
        filled = " OR ".join(f"nullif(trim({_quoted(read)}), '') IS NOT NULL" for read in column.reads) or "false"
        if column in rows and column.name in entity.required:
            reasons.append(
                f"CASE WHEN {is_meant} IS NOT TRUE THEN NULL"
                f" WHEN {column.sql} IS NULL AND ({filled}) THEN {literal(column.name + ' unreadable')}"
                f" WHEN {column.sql} IS NULL THEN {literal(column.name + ' missing')} END"
            )
        elif column.kind != "VARCHAR":
            unread.append(
                f"CASE WHEN {is_meant} AND {column.sql} IS NULL AND ({filled}) THEN {literal(column.name)} END"
            )
    parts = [f"{column.sql} AS {column.alias}" for column in columns]
    parts.append(f"list_filter({_list(reasons)}, lambda r: r IS NOT NULL) AS reasons")
    parts.append(f"list_filter({_list(unread)}, lambda r: r IS NOT NULL) AS unread")
    return ", ".join(parts)


def entity_rows(entity: Entity, columns: list[Column], rows_are: str) -> str:
    """The SELECT over the typed rows that gives one entity's facts: entity columns, `row_number`, `content`, `mapping`.

    `mapping` is the place of the mapping that made the row: 0 is the row itself, others came along with it. Rows of an entity that comes along with another's rows (contacts on order lines) are written once per content, and
    not at all where what they require is blank.
    """
    selects = []
    for index in sorted({column.index for column in columns if column.entity == entity.name}):
        given = {c.name: c.alias for c in columns if c.entity == entity.name and c.index == index}
        chosen = ", ".join(f"{given.get(name, 'NULL')}::{kind} AS {name}" for name, kind in entity.columns.items())
        needed = [given[name] for name in entity.required if name in given]
        present = [f"{alias} IS NOT NULL" for alias in needed] + ([given[WHERE]] if WHERE in given else [])
        kept = " AND ".join(["len(reasons) = 0", *present])
        selects.append(f"SELECT {chosen}, {index} AS mapping, row_number FROM typed WHERE {kept}")
    rows = " UNION ALL ".join(selects)
    names = ", ".join(entity.columns)
    if entity.name != rows_are:
        rows = f"SELECT {names}, min(mapping) AS mapping, min(row_number) AS row_number FROM ({rows}) GROUP BY {names}"
    packed = ", ".join(f"{name} := CAST({name} AS VARCHAR)" for name in entity.columns if name != entity.generated)
    return _with_generated_key(
        entity, f"SELECT *, md5_number_lower(CAST(struct_pack({packed}) AS VARCHAR)) AS content FROM ({rows})"
    )


def _with_generated_key(entity: Entity, rows: str) -> str:
    if not entity.generated:
        return f"SELECT * FROM ({rows}) ORDER BY row_number"
    place = "row_number() OVER (PARTITION BY content ORDER BY row_number)"
    key = f"coalesce({entity.generated}, 'row:' || content || '/' || {place})"
    return f"SELECT * REPLACE ({key} AS {entity.generated}) FROM ({rows}) ORDER BY row_number"


def _list(items: list[str]) -> str:
    return f"CAST([{', '.join(items)}] AS VARCHAR[])"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

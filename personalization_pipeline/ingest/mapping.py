"""What a source's YAML means in SQL: each mapped column is an expression over the file's text columns.

Belongs here: checking the expressions, and what type each of them is read as.
Does not belong here: the SELECTs that they become part of (ingest.projection), and reading bytes (ingest.rows).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from personalization_pipeline.foundation.declarations import ADDRESS_KINDS, Mapping, Source
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.expressions import read_expression
from personalization_pipeline.foundation.project import Project, nearest
from personalization_pipeline.foundation.warehouse import Connection, EngineError, literal, named, scratch_connection
from personalization_pipeline.ingest.entities import Entity, entities

# A mapping may write `order_id: id`; the fact carries `order_key` = '<source>:<id>', unique over all sources.
IDS = {
    "record_id": "record_key",
    "order_id": "order_key",
    "event_id": "event_key",
    "line_id": "line_key",
    "address_id": "address",
    "visitor_id": "visitor_key",
}
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

    A mapping's `where` is such a column too; by `meant`, SQL over aliases, the others know whether it is true.
    """

    entity: str
    index: int
    name: str
    alias: str
    sql: str
    reads: tuple[str, ...]
    kind: str
    is_required: bool
    values: tuple[str, ...]
    meant: str = "true"


def check_sources(project: Project) -> None:
    """Check every source's mappings. Raises ProjectError naming the file, the word and the nearest known names."""
    connection = scratch_connection(threads=1)
    try:
        for name, source in project.sources.items():
            where = project.file("sources", name)
            blank = ", ".join(f"CAST(NULL AS VARCHAR) AS {named(column)}" for column in source.columns)
            for column in mapped_columns(name, source, where):
                _try(connection, column, f"(SELECT {blank})", where)
    finally:
        connection.close()


def _try(connection: Connection, column: Column, blank_row: str, where: Path) -> None:
    """Show that the engine knows the functions of an expression and what they are given."""
    try:
        connection.execute(f"SELECT {column.sql} FROM {blank_row}")
    except EngineError as error:
        raise ProjectError(
            f"{column.entity}.{column.name}: {str(error).splitlines()[0]}",
            fix="correct the expression; a column of the file is always text",
            where=where,
        ) from None


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
            condition, meant = full.pop(WHERE, None), "true"
            if condition is not None:
                yield (only := _condition(source, entity, index, condition, where))
                meant = only.alias
            for target, expression in full.items():
                yield replace(_column(name, source, entity, index, target, expression, where), meant=meant)
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
    sql, kind = tree.sql("duckdb", comments=False), entity.columns[column]
    if not isinstance(tree, exp.Column):
        # What fails on a cell makes no value, and never an error. A column alone cannot fail, and is trimmed already.
        sql = f"TRY({sql})" if kind != "VARCHAR" else f"nullif(trim(CAST(TRY({sql}) AS VARCHAR)), '')"
    typed = sql if kind == "VARCHAR" else f"TRY_CAST({sql} AS {kind})"
    if target in IDS:
        typed = f"{literal(name + ':')} || {typed}"
    reads = tuple(sorted({found.name for found in tree.find_all(exp.Column)}))
    values = entity.values.get(column, ())
    if values and isinstance(tree, exp.Literal) and tree.name not in values:
        raise ProjectError(f"unknown {column} {tree.name!r}", fix=nearest(tree.name, values), where=where)
    alias = f"{entity.name}__{index}__{column}"
    return Column(entity.name, index, column, alias, typed, reads, kind, column in entity.required, values)


def _condition(source: Source, entity: Entity, index: int, text: str, where: Path) -> Column:
    if index == 0 and entity.name == source.rows_are:
        raise ProjectError(
            f"the first mapping of {entity.name} has a `where`, but every row of the file is one",
            fix="leave it out there; a second mapping of the entity may have one",
            where=where,
        )
    tree = _expression(text, source, where)
    sql = f"(TRY_CAST(TRY({tree.sql('duckdb', comments=False)}) AS BOOLEAN) IS TRUE)"
    alias = f"{entity.name}__{index}__{WHERE}"
    return Column(entity.name, index, WHERE, alias, sql, (), "BOOLEAN", True, (), meant=alias)


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
    return read_expression(
        text,
        columns=source.columns,
        functions=OWN_FUNCTIONS | ENGINE_FUNCTIONS,
        sees="a mapping sees one row of one file: columns, literals, CASE, and functions of values such as "
        + ", ".join(sorted(OWN_FUNCTIONS)),
        unknown="which `columns` does not declare",
        where=where,
    )


def _check_required(entity: Entity, mapping: Mapping, where: Path) -> None:
    given = {IDS.get(target, target) for target in mapping}
    missing = [column for column in entity.required if column not in given and column != entity.generated]
    if missing:
        raise ProjectError(
            f"{entity.name} is mapped without {', '.join(missing)}", fix="map it: it is required", where=where
        )
